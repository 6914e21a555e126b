import { crashpoint } from '../lib/crashpoint.ts';
import { KapalError } from '../model/errors.ts';
import { listens, serviceKey } from '../model/service.ts';
import { applyToInstance } from '../rollout/instance.ts';
import type { Action } from '../rollout/view.ts';
import type { InstanceRow, RolloutRow } from '../state/records.ts';
import { finishRollout } from './finishing.ts';
import { newId } from './ids.ts';
import { withListening } from './listening-elsewhere.ts';
import { isSeparable, type Place, placeOf } from './placing.ts';
import type { Runs } from './runs.ts';
import type { ServiceContext } from './service-context.ts';
import { wantedPort } from './wanted-port.ts';

/**
 * Carries out what the step machine decided. Each effect follows its own durable intent and may be repeated: a daemon that dies between the two
 * finds the intent and does it again.
 */
export class Effects {
  readonly #context: ServiceContext;
  readonly #runs: Runs;

  constructor(context: ServiceContext, runs: Runs) {
    this.#context = context;
    this.#runs = runs;
  }

  async apply(action: Action, rollout: RolloutRow | null): Promise<void> {
    const { needs } = this.#context;
    switch (action.kind) {
      case 'prepare':
        if (rollout !== null) await this.#runs.prepare(rollout);
        return;
      case 'start':
        return this.#start(action);
      case 'retry':
        return this.#withInstance(action.instance, (instance) => this.#retry(instance));
      case 'drain':
        return this.#withInstance(action.instance, (instance) => Promise.resolve(this.#move(instance, 'drain')));
      case 'terminate':
        return this.#withInstance(action.instance, (instance) => this.#terminate(instance));
      case 'kill':
        return this.#withInstance(action.instance, async (instance) => {
          if (instance.handle !== null) await needs.runtime.signal(instance.handle, 'kill');
        });
      case 'promote':
        return this.#promote(action, rollout);
      case 'phase':
        if (rollout !== null)
          needs.store.rollouts.update(rollout.id, {
            phase: action.phase,
            since: needs.clock.steady(),
            failure: await withListening(this.#context, action.failure),
          });
        return;
      case 'finish':
        if (rollout !== null) await finishRollout(this.#context, { rollout, action, runs: this.#runs });
        return;
    }
  }

  async #start({ release, setbacks = 0, alone }: Extract<Action, { kind: 'start' }>): Promise<void> {
    const { needs, id, ports, releases } = this.#context;
    const found = releases.get(release);
    if (found === null) throw new KapalError('internal', `release ${release} of ${id} is not on record`);
    const place = listens(found.release.spec.type)
      ? await placeOf(this.#context, found.release, { apart: false })
      : nowhere;
    const { port } = place;
    const now = needs.clock.steady();
    const instance: InstanceRow = {
      id: newId(serviceKey(id).service, needs.random, 6),
      service: id,
      release,
      state: 'starting',
      since: now,
      attempt: 1,
      startedAt: now,
      quickExits: setbacks,
      retryAt: null,
      handle: null,
      ...place,
      lastExit: null,
      createdAt: now,
    };
    const isRecorded = needs.store.transaction(() => {
      if (alone === true && !this.#isAlone()) return false;
      needs.store.instances.insert(instance);
      return true;
    });
    crashpoint('instance.recorded');
    if (port !== null) ports.release(port);
    if (isRecorded) await this.#runs.launch(instance);
  }

  /** Nothing of the service is on record that could have its disk. */
  #isAlone(): boolean {
    const { needs, id } = this.#context;
    return needs.store.instances.of(id).length === 0 && needs.store.rollouts.active(id)?.prepare !== 'running';
  }

  /** The same instance, a new attempt, on a new port: what held the old one may still be there. */
  async #retry(instance: InstanceRow): Promise<void> {
    const { needs, ports } = this.#context;
    if (instance.retryAt === null) return;
    const apart = instance.address !== null || (await this.#collided(instance));
    await this.#runs.clear(instance);
    crashpoint('retry.cleared');
    const place =
      instance.port === null ? nowhere : await placeOf(this.#context, { number: instance.release }, { apart });
    const { port } = place;
    const { state, since, startedAt, retryAt } = applyToInstance(life(instance), 'retry', needs.clock.steady());
    needs.store.instances.update(instance.id, {
      state,
      since,
      startedAt,
      retryAt,
      attempt: instance.attempt + 1,
      handle: null,
      ...place,
    });
    crashpoint('retry.recorded');
    if (port !== null) ports.release(port);
    await this.#withInstance(instance.id, (next) => this.#runs.launch(next));
  }

  /**
   * It ended because another program has a port that it wants beside, or in the place of, the one it was given. A server that ends by itself as if all were
   * well may have found that too: Express 5 hands the error to the callback that says "listening".
   */
  async #collided(instance: InstanceRow): Promise<boolean> {
    const { needs } = this.#context;
    if (instance.port === null || instance.quickExits === 0 || !isSeparable(needs)) return false;
    if (instance.lastExit?.code === 0) return true;
    const wanted = await wantedPort(needs, instance);
    return wanted !== null && wanted !== instance.port;
  }

  async #terminate(instance: InstanceRow): Promise<void> {
    this.#move(instance, 'terminate');
    crashpoint('terminate.recorded');
    if (instance.handle !== null) await this.#context.needs.runtime.signal(instance.handle, 'terminate');
  }

  async #promote(action: Extract<Action, { kind: 'promote' }>, rollout: RolloutRow | null): Promise<void> {
    const { needs, id } = this.#context;
    const { clock } = needs;
    needs.store.transaction(() => {
      if (!needs.store.services.promote(id, action.from, action.to)) return;
      if (rollout !== null && rollout.promotedAt === null)
        needs.store.rollouts.update(rollout.id, { promotedAt: clock.steady() });
      const message = action.to === null ? 'no release serves any more' : `release ${action.to} takes traffic`;
      needs.store.events.append({
        time: clock.now(),
        kind: 'promote',
        service: id,
        project: serviceKey(id).project,
        message,
      });
    });
    crashpoint('promote.recorded');
    return Promise.resolve();
  }

  #move(instance: InstanceRow, action: 'drain' | 'terminate'): void {
    const { needs } = this.#context;
    const { state, since, retryAt } = applyToInstance(life(instance), action, needs.clock.steady());
    if (state !== instance.state) needs.store.instances.update(instance.id, { state, since, retryAt });
    crashpoint('move.recorded');
  }

  async #withInstance(id: string, work: (instance: InstanceRow) => Promise<void>): Promise<void> {
    const instance = this.#context.needs.store.instances.get(id);
    if (instance !== null) await work(instance);
  }
}

const nowhere: Place = { port: null, address: null };

/** Actions do not look at probes. */
function life(instance: InstanceRow): Parameters<typeof applyToInstance>[0] {
  return { ...instance, failedProbes: 0, detail: null };
}
