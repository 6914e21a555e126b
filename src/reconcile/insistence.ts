import { crashpoint } from '../lib/crashpoint.ts';
import { serviceKey } from '../model/service.ts';
import { answersLoopback } from '../runtime/loopback.ts';
import type { Listener } from '../runtime/port.ts';
import type { InstanceRow } from '../state/records.ts';
import { insistedBy, ownPorts, placeOf, proveSeparable } from './placing.ts';
import type { Runs } from './runs.ts';
import type { ServiceContext } from './service-context.ts';

/** Milliseconds between looks where an instance listens, while it boots and later. */
const pace = { starting: 250, steady: 2_000 } as const;

/**
 * Milliseconds for which it has to listen elsewhere, and not at PORT, until that is taken for what it insists on: an app may open another port first. A
 * quarter of its start time-out at most.
 */
const longestGrace = 2_000;

interface Watched {
  readonly run: string;
  lookedAt: number;
  /** Another port, and since when it is the only one. */
  elsewhere: { readonly port: number; readonly since: number } | null;
  told: boolean;
}

/**
 * Finds instances that ignore PORT: by what their own processes listen on. What was found is on record with the release, told, and the instance goes on
 * with that port: where it is, or, where the machine can keep instances apart, once more in a network of its own.
 */
export class Insistence {
  readonly #context: ServiceContext;
  readonly #runs: Runs;
  readonly #watched = new Map<string, Watched>();

  constructor(context: ServiceContext, runs: Runs) {
    this.#context = context;
    this.#runs = runs;
  }

  /** Looks at a running instance. True when its record was changed: what was observed of it is not true any more. */
  async look(instance: InstanceRow, { run, listening }: { run: string; listening: boolean }): Promise<boolean> {
    const { needs } = this.#context;
    const { handle, port, address } = instance;
    if (handle === null || port === null || needs.portFinder === undefined) return false;
    const boots = instance.state === 'starting' || instance.state === 'crash-looping';
    if (listening && boots) this.#followsAgain(instance, this.#of(instance, run));
    if (address === null && (listening || !boots)) return false;
    const watched = this.#of(instance, run);
    const now = needs.clock.monotonic();
    if (now - watched.lookedAt < (boots ? pace.starting : pace.steady)) return false;
    watched.lookedAt = now;
    const listeners = await needs.portFinder.listeners(handle);
    if (address !== null) await this.#keepOwn(instance, { run, listeners });
    if (listening || !boots) return false;
    const found = this.#insistsOn(instance, { watched, listeners, now });
    return found === null ? false : this.#learn(instance, found);
  }

  retain(instances: ReadonlySet<string>): void {
    for (const instance of this.#watched.keys()) if (!instances.has(instance)) this.#watched.delete(instance);
  }

  async #keepOwn(instance: InstanceRow, seen: { run: string; listeners: readonly Listener[] }): Promise<void> {
    const { needs } = this.#context;
    const ports = new Set([...ownPorts(needs, instance), ...seen.listeners.map(({ port }) => port)]);
    await needs.network?.own(seen.run, [...ports]);
  }

  /** The one other port, after its time; at once where the release, or the one that serves, is known for it. */
  #insistsOn(
    instance: InstanceRow,
    { watched, listeners, now }: { watched: Watched; listeners: readonly Listener[]; now: number },
  ): number | null {
    const { needs, id } = this.#context;
    const spec = needs.store.releases.get(id, instance.release)?.spec;
    if (spec === undefined || spec.port !== undefined) return null;
    const port = onlyPort(listeners);
    if (port === null || port === instance.port) {
      watched.elsewhere = null;
      return null;
    }
    if (watched.elsewhere?.port !== port) watched.elsewhere = { port, since: now };
    const current = needs.store.services.get(id)?.current ?? null;
    const known = [instance.release, current].some((release) => insistedBy(needs, id, release) === port);
    const grace = Math.min(longestGrace, spec.startTimeout / 4);
    return known || now - watched.elsewhere.since >= grace ? port : null;
  }

  async #learn(instance: InstanceRow, port: number): Promise<boolean> {
    const { needs, id } = this.#context;
    const { store } = needs;
    const { handle, release } = instance;
    const stays = instance.address !== null || !(await proveSeparable(needs));
    store.transaction(() => {
      if (store.releases.get(id, release)?.insists !== port) {
        store.releases.update(id, release, { insists: port });
        this.#tell(insistsText(serviceKey(id).service, port));
      }
      if (stays && handle !== null) store.instances.update(instance.id, { port, handle: { ...handle, port } });
    });
    crashpoint('port.insisted.recorded');
    if (!stays) await this.#moveApart(instance);
    this.#context.wake();
    return true;
  }

  /** Starts the instance again, in a network of its own: it has the machine's port, which others need. It never took traffic. */
  async #moveApart(instance: InstanceRow): Promise<void> {
    const { needs, ports } = this.#context;
    await this.#runs.clear(instance);
    crashpoint('instance.apart.cleared');
    const { port, address } = await placeOf(this.#context, { number: instance.release }, { apart: true });
    const now = needs.clock.steady();
    needs.store.instances.update(instance.id, {
      attempt: instance.attempt + 1,
      since: now,
      startedAt: now,
      handle: null,
      port,
      address,
    });
    crashpoint('instance.apart.recorded');
    if (port !== null) ports.release(port);
    const next = needs.store.instances.get(instance.id);
    if (next !== null) await this.#runs.launch(next);
  }

  /** What serves insists on a port, and the release that is to take its place does not. */
  #followsAgain(instance: InstanceRow, watched: Watched): void {
    const { needs, id } = this.#context;
    if (watched.told || insistedBy(needs, id, instance.release) !== null) return;
    watched.told = true;
    const current = needs.store.services.get(id)?.current ?? null;
    const port = insistedBy(needs, id, current);
    if (port === null || current === instance.release) return;
    this.#tell(
      `${serviceKey(id).service} listens on PORT from release ${instance.release} on, and no more always on ${port}`,
    );
  }

  #tell(message: string): void {
    const { needs, id } = this.#context;
    const { project } = serviceKey(id);
    needs.store.events.append({ time: needs.clock.now(), kind: 'service.port', service: id, project, message });
    needs.logs.write({ service: id, kind: 'kapal', run: id, instance: null, release: null, text: message });
  }

  #of(instance: InstanceRow, run: string): Watched {
    const known = this.#watched.get(instance.id);
    if (known?.run === run) return known;
    const fresh: Watched = { run, lookedAt: Number.NEGATIVE_INFINITY, elsewhere: null, told: false };
    this.#watched.set(instance.id, fresh);
    return fresh;
  }
}

/** What the user is told of an app that ignores PORT. */
export function insistsText(service: string, port: number): string {
  return `${service} listens on port ${port} and ignores PORT: routed there. Let the app read PORT, or declare port: ${port} in kapal.yaml`;
}

/** Pure. The port of all listeners, if it is one alone and 127.0.0.1 reaches it. */
export function onlyPort(listeners: readonly Listener[]): number | null {
  const ports = [...new Set(listeners.map(({ port }) => port))];
  const [port] = ports;
  if (port === undefined || ports.length > 1) return null;
  return listeners.some(({ address }) => answersLoopback(address)) ? port : null;
}
