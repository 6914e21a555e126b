import type { Edge, EdgeStatus, HttpChallenge, RouteTable } from '../edge/port.ts';
import type { Clock } from '../lib/clock.ts';
import { crashpoint } from '../lib/crashpoint.ts';
import { KapalError } from '../model/errors.ts';
import type { ServiceId } from '../model/service.ts';
import { EndpointChecks, type EndpointChecksOptions } from './endpoint-checks.ts';
import { lookAtOverload, neverOverloaded, type OverloadNews, type OverloadState } from './overload-episodes.ts';
import type { ServiceRoutes } from './routing.ts';
import { TableKnowledge } from './table-knowledge.ts';

export interface EdgeSyncOptions {
  readonly edge: Edge;
  readonly clock: Clock;
  /** Called for the services whose part of the table was confirmed or whose draining endpoints changed. */
  readonly changed: (services: readonly ServiceId[]) => void;
  readonly prober: EndpointChecksOptions['prober'];
  /** An endpoint does not answer any more, and why; or (null) it does again. */
  readonly noticed: (service: ServiceId, endpoint: string, problem: string | null) => void;
  /** Requests are refused because there are more than the service can answer, or they are not any more. */
  readonly overloaded: (service: ServiceId, news: OverloadNews) => void;
  /** A push or a start of the edge failed; it is tried again. */
  readonly failed: (error: unknown) => void;
}

/** Milliseconds between looks whether the edge's processes are there, whether all is well with it, at requests under way while something drains, and after a failure. */
const pace = { alive: 250, life: 2_000, drain: 100, retry: 250 } as const;

/** Milliseconds that a route table may take to reach every worker. */
const settleLimit = 15_000;

/**
 * Keeps the edge at the table that follows from all services. Pushes are whole tables, one at a time: what changes during a push goes into the next
 * one. `confirms` answers what every worker serves, never what was merely sent.
 */
export class EdgeSync {
  readonly #options: EdgeSyncOptions;
  readonly #wanted = new Map<ServiceId, ServiceRoutes>();
  readonly #dirty = new Set<ServiceId>();
  readonly #knowledge = new TableKnowledge();
  readonly #checks: EndpointChecks;
  readonly #confirmedRoutes = new Map<ServiceId, ServiceRoutes>();
  /** Of services that were overloaded since this daemon began. A pool has its service's name. */
  readonly #overloads = new Map<ServiceId, OverloadState>();
  /** Services that wait for an endpoint to fall idle. */
  readonly #draining = new Set<ServiceId>();
  /** Answers to authorities, as wanted and as every worker gives them. */
  #challenges: readonly HttpChallenge[] = [];
  #confirmedChallenges: readonly HttpChallenge[] = this.#challenges;
  #version = 0;
  #pushing: Promise<void> | null = null;
  #status: EdgeStatus | null = null;
  /** At the last look at the edge. */
  #overloaded: ReadonlySet<string> = new Set();
  #timers: Disposable[] = [];
  #closed = false;
  /** The first table waits until every service has been seen: a partial one would withdraw what still runs. */
  #open = false;

  constructor(options: EdgeSyncOptions) {
    this.#options = options;
    const { edge, prober, clock, failed, noticed } = options;
    const changed: EndpointChecksOptions['changed'] = (service, endpoint, problem) => {
      this.#dirty.add(service);
      void this.#push();
      noticed(service, endpoint, problem);
    };
    this.#checks = new EndpointChecks({ edge, prober, clock, failed, changed });
  }

  /** Starts or adopts the edge, which serves its last table until `open`. */
  async begin(): Promise<void> {
    this.#status = await this.#options.edge.ensure();
    this.#version = Math.max(this.#options.clock.now(), ...this.#status.workers.map((worker) => worker.version));
    // What was refused before is no news.
    for (const [service, count] of Object.entries(this.#status.shed))
      this.#overloads.set(service as ServiceId, { count, episode: null });
    this.#watchLife();
  }

  /** Whether tables are pushed yet. */
  get isOpen(): boolean {
    return this.#open;
  }

  /** Every service has said what it wants: from now on the table is pushed. */
  async open(): Promise<void> {
    this.#open = true;
    await this.#push();
  }

  get status(): EdgeStatus | null {
    return this.#status;
  }

  /** What a service wants to be served; a push follows where it differs. */
  want(service: ServiceId, routes: ServiceRoutes): void {
    const before = this.#wanted.get(service);
    if (before !== undefined && JSON.stringify(before) === JSON.stringify(routes)) return;
    this.#wanted.set(service, routes);
    this.#checks.watch(service, routes.checks);
    this.#dirty.add(service);
    void this.#push();
  }

  forget(service: ServiceId): void {
    this.#draining.delete(service);
    this.#overloads.delete(service);
    if (!this.#wanted.delete(service)) return;
    this.#checks.watch(service, []);
    this.#dirty.add(service);
    void this.#push();
  }

  /** Whether every worker names the endpoint; null where that is not known. */
  confirms(endpoint: string): boolean | null {
    return this.#knowledge.names(endpoint);
  }

  /** Whether what the service wants now is what every worker serves. */
  isSettled(service: ServiceId): boolean {
    return this.#confirmedRoutes.get(service) === this.#wanted.get(service);
  }

  /** Resolves when every worker serves what the service wants now; throws `edge_failed` when that takes too long. */
  async settled(service: ServiceId): Promise<void> {
    const deadline = this.#options.clock.monotonic() + settleLimit;
    while (!this.isSettled(service)) {
      if (this.#closed || this.#options.clock.monotonic() > deadline)
        throw new KapalError('edge_failed', 'the edge did not take the new route table in time');
      await this.#push();
      if (!this.isSettled(service)) await new Promise<void>((resolve) => this.#later(pace.retry, resolve));
    }
  }

  /** Resolves when every worker answers so (or as a later call says); throws `edge_failed` when that takes too long. */
  async answer(challenges: readonly HttpChallenge[]): Promise<void> {
    this.#challenges = challenges;
    const deadline = this.#options.clock.monotonic() + settleLimit;
    while (this.#confirmedChallenges !== this.#challenges) {
      if (this.#closed || this.#options.clock.monotonic() > deadline)
        throw new KapalError('edge_failed', 'the edge did not take the answer to an authority in time');
      await this.#push();
      if (this.#confirmedChallenges !== this.#challenges)
        await new Promise<void>((resolve) => this.#later(pace.retry, resolve));
    }
  }

  /** Why an endpoint takes no requests although it is named; null where it does. */
  problem(service: ServiceId, endpoint: string): string | null {
    return this.#checks.problem(service, endpoint);
  }

  /** Whether an endpoint is asked for more than it can answer, and answers. */
  isOverloaded(endpoint: string): boolean {
    return this.#overloaded.has(endpoint);
  }

  /** Requests under way at an endpoint that left the table; null where that is not known. */
  inFlight(endpoint: string): number | null {
    return this.#knowledge.inFlight(endpoint);
  }

  /** Says that a service waits for endpoints to fall idle, or does not any more. */
  drain(service: ServiceId, waits: boolean): void {
    if (!waits) {
      this.#draining.delete(service);
      return;
    }
    const first = this.#draining.size === 0;
    this.#draining.add(service);
    if (first) void this.#readInFlight();
  }

  table(): RouteTable {
    const all = [...this.#wanted.entries()].toSorted(([a], [b]) => (a < b ? -1 : 1));
    const parts = all.map(([, routes]) => routes);
    const policies = parts.flatMap((part) => (part.policy === null ? [] : [part.policy]));
    return {
      version: this.#version,
      routes: parts.flatMap((part) => part.routes),
      pools: all.flatMap(([service, { pool }]) => (pool === null ? [] : [this.#checks.told(pool, service)])),
      ...(policies.length === 0 ? {} : { policies }),
      streams: parts.flatMap((part) => (part.stream === null ? [] : [part.stream])),
      ...(this.#challenges.length === 0 ? {} : { challenges: this.#challenges }),
    };
  }

  close(): void {
    this.#closed = true;
    this.#checks.close();
    for (const timer of this.#timers) timer[Symbol.dispose]();
  }

  #push(): Promise<void> {
    if (!this.#open || this.#closed) return Promise.resolve();
    this.#pushing ??= this.#pushAll().finally(() => {
      this.#pushing = null;
    });
    return this.#pushing;
  }

  async #pushAll(): Promise<void> {
    do {
      const services = [...this.#dirty];
      this.#dirty.clear();
      this.#version = Math.max(this.#version + 1, this.#options.clock.now());
      const wanted = new Map(this.#wanted);
      const challenges = this.#challenges;
      const table = this.table();
      crashpoint('edge.applying');
      this.#knowledge.attempt(table);
      try {
        await this.#options.edge.apply(table);
        crashpoint('edge.applied');
      } catch (error) {
        for (const service of services) this.#dirty.add(service);
        this.#options.failed(error);
        this.#later(pace.retry, () => void this.#push());
        return;
      }
      this.#confirm(table, wanted);
      this.#confirmedChallenges = challenges;
      this.#options.changed(services);
    } while ((this.#dirty.size > 0 || this.#challenges !== this.#confirmedChallenges) && !this.#closed);
  }

  #confirm(table: RouteTable, wanted: ReadonlyMap<ServiceId, ServiceRoutes>): void {
    this.#knowledge.confirm(table, this.#options.clock.monotonic());
    this.#confirmedRoutes.clear();
    for (const [service, routes] of wanted) this.#confirmedRoutes.set(service, routes);
  }

  async #readInFlight(): Promise<void> {
    const begun = this.#options.clock.monotonic();
    try {
      this.#knowledge.read(await this.#options.edge.inFlight(), begun);
    } catch (error) {
      this.#options.failed(error);
    }
    if (this.#draining.size === 0) return;
    this.#options.changed([...this.#draining]);
    this.#later(pace.drain, () => void this.#readInFlight());
  }

  /**
   * A dead edge is noticed within a quarter of a second and comes back with the last table, which lies on its disk; one that cannot is tried again less and
   * less often. `ensure`, which asks the workers too, costs little when all is well, but not so little.
   */
  #watchLife(seen = { since: 0, failures: 0 }): void {
    this.#later(pace.alive, () => void this.#look({ ...seen, since: seen.since + pace.alive }));
  }

  async #look({ since, failures }: { readonly since: number; readonly failures: number }): Promise<void> {
    const { edge, failed } = this.#options;
    const patience = edge.isAlive() ? pace.life : Math.min(pace.life, pace.alive * 2 ** failures);
    if (since < patience) return this.#watchLife({ since, failures });
    try {
      this.#status = await edge.ensure();
      this.#overloaded = new Set(this.#status.overloaded);
      this.#lookAtOverloads(this.#status.shed);
      this.#watchLife();
    } catch (error) {
      this.#overloaded = new Set();
      failed(error);
      this.#watchLife({ since: 0, failures: failures + 1 });
    }
  }

  #lookAtOverloads(shed: EdgeStatus['shed']): void {
    for (const service of new Set([...this.#overloads.keys(), ...this.#wanted.keys()])) {
      const count = shed[service] ?? 0;
      const before = this.#overloads.get(service) ?? neverOverloaded;
      if (count === before.count && before.episode === null) continue;
      const { state, news } = lookAtOverload(before, { count, now: this.#options.clock.steady() });
      this.#overloads.set(service, state);
      if (news !== null) this.#options.overloaded(service, news);
    }
  }

  #later(milliseconds: number, work: () => void): void {
    if (this.#closed) return;
    const timer = this.#options.clock.after(milliseconds, () => {
      this.#timers = this.#timers.filter((other) => other !== timer);
      if (!this.#closed) work();
    });
    this.#timers.push(timer);
  }
}
