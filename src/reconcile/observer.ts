import { steadyTime } from '../lib/clock.ts';
import { crashpoint } from '../lib/crashpoint.ts';
import type { Exit } from '../model/instance.ts';
import { listens } from '../model/service.ts';
import type { InstanceLife, observeInstance, RunSeen } from '../rollout/instance.ts';
import type { HealthSpec } from '../spec/spec.ts';
import type { InstanceRow, RolloutRow, ServiceRow } from '../state/records.ts';
import type { RunHandle, RunObservation } from '../runtime/port.ts';
import { Insistence } from './insistence.ts';
import { Probing, type ProbeSubject } from './probing.ts';
import { runOf } from './routing.ts';
import type { Runs } from './runs.ts';
import type { ServiceContext } from './service-context.ts';

/** What is remembered of an instance between passes; none of it has to outlive the daemon. */
interface Memory {
  readonly run: string;
  pid: number | null;
  failedProbes: number;
  detail: string | null;
  /** Its output is attached by this daemon, its start was asked for by this daemon. */
  attached: boolean;
}

/** Looks at all that a service owns and writes down what changed. Starts again what an earlier daemon intended and may not have done. */
export class Observer {
  readonly #context: ServiceContext;
  readonly #runs: Runs;
  readonly #probing: Probing;
  readonly #insistence: Insistence;
  readonly #memory = new Map<string, Memory>();
  #prepareAttached: string | null = null;
  #prepareEnding: { readonly rollout: string; readonly killAt: number } | null = null;

  constructor(context: ServiceContext, runs: Runs) {
    this.#context = context;
    this.#runs = runs;
    this.#probing = new Probing(context.needs, context.wake);
    this.#insistence = new Insistence(context, runs);
  }

  pidOf(instance: string): number | null {
    return this.#memory.get(instance)?.pid ?? null;
  }

  detail(instance: string): string | null {
    return this.#memory.get(instance)?.detail ?? null;
  }

  /** Milliseconds until an instance has to be probed; infinite where none has to. */
  probeIn(): number {
    return this.#probing.dueIn();
  }

  close(): void {
    this.#probing.close();
  }

  async observe(row: ServiceRow): Promise<void> {
    const { needs, id } = this.#context;
    const rollout = needs.store.rollouts.active(id);
    if (rollout !== null) await this.#observePrepare(rollout);
    const instances = needs.store.instances.of(id);
    await Promise.all(instances.map((instance) => this.#observeInstance(row, instance)));
    const known = new Set(instances.map((instance) => instance.id));
    for (const instance of this.#memory.keys()) if (!known.has(instance)) this.#memory.delete(instance);
    this.#probing.retain(known);
    this.#insistence.retain(known);
  }

  async #observeInstance(row: ServiceRow, instance: InstanceRow): Promise<void> {
    const memory = this.#remember(instance);
    const adopted = !this.#runs.isLaunched(instance);
    if (instance.handle === null && instance.retryAt === null && adopted && !isEnding(instance))
      await this.#runs.launch(instance);
    const first = adopted && !memory.attached;
    if (instance.handle !== null && !memory.attached) {
      await this.#runs.attach(instance, instance.handle);
      memory.attached = true;
    }
    if (instance.retryAt !== null) return;
    const seen = await this.#look(instance, memory);
    if (
      seen.phase === 'running' &&
      (await this.#insistence.look(instance, { run: memory.run, listening: seen.listening }))
    )
      return;
    const life: InstanceLife = { ...instance, failedProbes: memory.failedProbes, detail: memory.detail };
    const listening = seen.phase === 'running' && seen.listening;
    const subject = seen.phase === 'running' ? this.#subject(row, { instance, listening }) : null;
    // The daemon was away: whether the instance became ready meanwhile has to be known before its time-outs are judged.
    const probe = subject === null ? null : first ? await this.#probing.first(subject) : this.#probing.take(subject);
    const { clock, random, decisions } = this.#context.needs;
    const lived = decisions.observeInstance(life, {
      now: clock.steady(),
      run: seen,
      probe,
      overloaded: this.#context.edge.isOverloaded(runOf(instance)),
      listens: listens(this.#context.releases.get(instance.release)?.release.spec.type ?? row.spec.type),
      fraction: random.fraction(),
    });
    await this.#record(instance, memory, lived);
  }

  async #look(instance: InstanceRow, memory: Memory): Promise<RunSeen> {
    const refusal = this.#runs.refusal(instance);
    if (refusal !== null)
      return { phase: 'exited', exit: notStarted(refusal, this.#context.needs.clock.steady()), remains: false };
    if (instance.handle === null) {
      // One that was told to end before it was started is not started any more.
      const at = this.#context.needs.clock.steady();
      return isEnding(instance)
        ? { phase: 'exited', exit: notStarted('it was stopped before', at), remains: false }
        : { phase: 'launching' };
    }
    const seen: RunObservation = await this.#context.needs.runtime.observe(instance.handle);
    memory.pid = seen.phase === 'running' ? seen.pid : null;
    if (seen.phase !== 'exited') return seen;
    return { ...seen, exit: { ...seen.exit, at: steadyTime(this.#context.needs.clock, seen.exit.at) } };
  }

  #subject(row: ServiceRow, input: { instance: InstanceRow; listening: boolean }): ProbeSubject | null {
    const { instance, listening } = input;
    const spec = this.#context.releases.get(instance.release)?.release.spec;
    if (spec === undefined || instance.port === null) return null;
    const host = row.host ?? `127.0.0.1:${instance.port}`;
    return {
      instance: instance.id,
      run: runOf(instance),
      address: instance.address,
      port: instance.port,
      state: instance.state,
      listening,
      health: instance.release === row.current ? healthInForce(spec.health, row.spec.health) : spec.health,
      host,
    };
  }

  async #record(instance: InstanceRow, memory: Memory, lived: ReturnType<typeof observeInstance>): Promise<void> {
    const { needs } = this.#context;
    const { life } = lived;
    memory.failedProbes = life.failedProbes;
    memory.detail = life.detail;
    if (lived.clear && instance.handle !== null) await needs.runtime.signal(instance.handle, 'kill');
    const { state, since, quickExits, retryAt, lastExit } = life;
    const same =
      state === instance.state &&
      quickExits === instance.quickExits &&
      retryAt === instance.retryAt &&
      lastExit === instance.lastExit;
    if (same) return;
    if (state === 'gone') return this.#forget(instance, lastExit);
    needs.store.instances.update(instance.id, { state, since, quickExits, retryAt, lastExit });
    crashpoint('instance.observed');
    this.#runs.report(instance, { state, lastExit, retryAt });
    if (state === 'crash-looping' && instance.state !== 'crash-looping')
      await this.#runs.quoteLast(instance).catch((error: unknown) => {
        needs.log.warn({ err: error, instance: instance.id }, 'the last lines of an instance cannot be quoted');
      });
    this.#context.wake();
  }

  /** Its row goes last: as long as it is there, what could not be removed is tried again by the next pass. */
  async #forget(instance: InstanceRow, lastExit: Exit | null): Promise<void> {
    await this.#runs.clear(instance);
    crashpoint('instance.cleared');
    this.#runs.report(instance, { state: 'gone', lastExit, retryAt: null });
    this.#context.needs.store.instances.remove(instance.id);
    crashpoint('instance.removed');
    this.#context.wake();
  }

  async #observePrepare(rollout: RolloutRow): Promise<void> {
    const { needs } = this.#context;
    if (rollout.prepare !== 'running') return;
    const wanted = rollout.phase === 'preparing';
    if (rollout.prepareRun === null) {
      if (this.#runs.isPreparing(rollout.id)) return;
      if (wanted) await this.#runs.prepare(rollout);
      else await this.#runs.discardPrepare(rollout);
      return;
    }
    if (this.#prepareAttached !== rollout.id) {
      await this.#runs.attachPrepare(rollout, rollout.prepareRun);
      this.#prepareAttached = rollout.id;
    }
    const seen = await needs.runtime.observe(rollout.prepareRun);
    if (seen.phase === 'exited') {
      needs.store.rollouts.update(rollout.id, { prepare: seen.exit.code === 0 ? 'succeeded' : 'failed' });
      crashpoint('prepare.observed');
      this.#context.wake();
    } else if (!wanted) {
      await this.#endPrepare(rollout, rollout.prepareRun);
    }
  }

  /** SIGTERM once (a second one makes many programs quit hard), and SIGKILL when the service's own delay is over. */
  async #endPrepare(rollout: RolloutRow, run: RunHandle): Promise<void> {
    const { clock, runtime } = this.#context.needs;
    const delay = this.#context.releases.get(rollout.to)?.release.spec.shutdownDelay ?? 0;
    if (this.#prepareEnding?.rollout !== rollout.id) {
      this.#prepareEnding = { rollout: rollout.id, killAt: clock.monotonic() + delay };
      await runtime.signal(run, 'terminate');
    } else if (clock.monotonic() >= this.#prepareEnding.killAt) {
      await runtime.signal(run, 'kill');
    }
  }

  #remember(instance: InstanceRow): Memory {
    const run = runOf(instance);
    const known = this.#memory.get(instance.id);
    if (known?.run === run) return known;
    const fresh: Memory = { run, pid: null, failedProbes: 0, detail: null, attached: false };
    this.#memory.set(instance.id, fresh);
    return fresh;
  }
}

/** What is asked for is the release's own; how often and how patiently may change without one. */
function healthInForce({ path, content }: HealthSpec, { interval, timeout }: HealthSpec): HealthSpec {
  return { path, interval, timeout, ...(content === undefined ? {} : { content }) };
}

function notStarted(detail: string, at: number): Exit {
  return { code: null, signal: null, reason: 'not-started', at, detail };
}

function isEnding({ state }: InstanceRow): boolean {
  return state === 'draining' || state === 'stopping';
}
