import { KapalError } from '../model/errors.ts';
import { type ServiceId, serviceKey } from '../model/service.ts';
import type { RolloutRow } from '../state/records.ts';
import type { Dependencies } from './dependencies.ts';
import type { EdgeSync } from './edge-sync.ts';
import type { Loops } from './operations/operations.ts';
import type { PortAllocator } from './ports.ts';
import { ReleaseCache } from './service-context.ts';
import { ServiceLoop } from './service-loop.ts';
import { StartTurns } from './start-turns.ts';
import type { HostTrust } from './transport.ts';
import type { Reach } from './view.ts';

export interface FleetOptions {
  readonly needs: Dependencies;
  readonly edge: EdgeSync;
  readonly ports: PortAllocator;
  /** What the edge presents for a host. */
  readonly trust: (host: string) => HostTrust;
  /** Whether a client of this daemon has the streams of a job. */
  readonly isHeld: (job: string) => boolean;
  /** A rollout of the service has ended, or a pass found it to be removed. */
  readonly settled: (service: ServiceId) => void;
  /** Some pass is over: there may be new events. */
  readonly passed: () => void;
}

/** The loops of all services. */
export class Fleet implements Loops {
  readonly #options: FleetOptions;
  readonly #loops = new Map<ServiceId, ServiceLoop>();
  readonly #waiting = new Map<string, PromiseWithResolvers<RolloutRow>[]>();
  readonly #watchers = new Map<ServiceId, Set<() => void>>();
  readonly #since: number;
  readonly #turns: StartTurns;
  #closed = false;

  constructor(options: FleetOptions) {
    this.#options = options;
    this.#since = options.needs.clock.steady();
    this.#turns = new StartTurns(options.needs.settings.startSlots, (service) => this.wake(service));
  }

  /** Makes loops for all services on record; resolves when each has been observed once. */
  async begin(): Promise<void> {
    const { store } = this.#options.needs;
    for (const row of store.services.all()) this.wake(row.id);
    await Promise.all([...this.#loops.values()].map((loop) => loop.observed));
  }

  /** A pass over every service; resolves when each is over. */
  async pass(): Promise<void> {
    await Promise.all([...this.#loops.values()].map((loop) => loop.passOnce()));
  }

  wake(service: ServiceId): void {
    if (this.#closed) return;
    this.#loop(service)?.wake();
  }

  /** Resolves when a pass over the service that began after this call is over. */
  async passOver(service: ServiceId): Promise<void> {
    if (!this.#closed) await this.#loop(service)?.passOnce();
  }

  /** Wakes the service that a run belongs to: a job's, or an instance's, named by its own id before the last dot. */
  wakeRun(run: string): void {
    const { instances, jobs } = this.#options.needs.store;
    const owner = instances.get(run.slice(0, run.lastIndexOf('.'))) ?? jobs.get(run);
    if (owner !== null) this.wake(owner.service);
    else
      for (const rollout of this.#options.needs.store.rollouts.allActive())
        if (run.startsWith(`${rollout.id}.`)) this.wake(rollout.service);
  }

  ended(rollout: string): Promise<RolloutRow> {
    const row = this.#options.needs.store.rollouts.get(rollout);
    if (row !== null && row.finishedAt !== null) return Promise.resolve(row);
    const waiting = Promise.withResolvers<RolloutRow>();
    this.#waiting.set(rollout, [...(this.#waiting.get(rollout) ?? []), waiting]);
    return waiting.promise;
  }

  watch(service: ServiceId, seen: () => void): Disposable {
    const set = this.#watchers.get(service) ?? new Set();
    this.#watchers.set(service, set.add(seen));
    return { [Symbol.dispose]: () => void set.delete(seen) };
  }

  pidOf(service: ServiceId, instance: string): number | null {
    return this.#loops.get(service)?.pidOf(instance) ?? null;
  }

  /** What documents about services need to know of edge and probes. */
  reach(): Reach {
    const { edge } = this.#options;
    return {
      confirms: (endpoint) => edge.confirms(endpoint),
      inFlight: (endpoint) => edge.inFlight(endpoint),
      detail: () => null,
      since: this.#since,
    };
  }

  async forget(service: ServiceId): Promise<void> {
    const loop = this.#loops.get(service);
    this.#loops.delete(service);
    await loop?.close();
    this.#turns.forget(service);
  }

  async close(): Promise<void> {
    this.#closed = true;
    await Promise.all([...this.#loops.values()].map((loop) => loop.close()));
  }

  #loop(service: ServiceId): ServiceLoop | null {
    const known = this.#loops.get(service);
    if (known !== undefined) return known;
    const { needs, edge, ports, trust, isHeld } = this.#options;
    if (needs.store.services.get(service) === null) return null;
    const loop: ServiceLoop = new ServiceLoop({
      needs,
      id: service,
      edge,
      ports,
      trust,
      isHeld,
      releases: new ReleaseCache(needs, service),
      turns: this.#turns,
      wake: () => loop.wake(),
      finished: (rollout) => this.#finished(service, rollout),
    });
    loop.watch(() => {
      for (const seen of this.#watchers.get(service) ?? []) seen();
      this.#options.passed();
      if (needs.store.services.get(service)?.removing === true) this.#options.settled(service);
    });
    this.#loops.set(service, loop);
    return loop;
  }

  #finished(service: ServiceId, rollout: string): void {
    const row = this.#options.needs.store.rollouts.get(rollout);
    for (const { resolve, reject } of this.#waiting.get(rollout) ?? []) {
      if (row !== null) resolve(row);
      else reject(new KapalError('cancelled', `service ${serviceKey(service).service} was removed`));
    }
    this.#waiting.delete(rollout);
    if (row !== null) this.#options.settled(service);
  }
}
