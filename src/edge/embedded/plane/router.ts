import type { PoolCounters, RouteTable } from '../../port.ts';
import { EndpointState } from './endpoint.ts';
import type { Ground } from './ground.ts';
import { entryOf, type RouteEntry } from '../policy/route-entry.ts';
import { PoolState } from './pool.ts';
import { RouteIndex } from './route-index.ts';

/** The route table in the form in which it is asked, with the state that outlives tables. */
export class Router {
  readonly #ground: Ground;
  readonly #index = new RouteIndex();
  #pools = new Map<string, PoolState>();
  #endpoints = new Map<string, EndpointState>();
  /** Left the table with something under way. */
  readonly #leaving = new Set<EndpointState>();
  /** Pools with endpoints whose weight still grows. */
  readonly #growing = new Set<PoolState>();
  /** Some pool has, or had, a limit on connections, or requests that wait for its first endpoint: they are counted over all workers. */
  #counts = false;

  constructor(ground: Ground) {
    this.#ground = ground;
  }

  /** `host`: lower case, no port, no trailing dot. `path`: decoded and resolved where it was unusual. */
  find(host: string, path: string): RouteEntry | null {
    return this.#index.find(host, path);
  }

  /** What an authority is to be answered at this address; `null`: it is none of theirs. */
  challenge(host: string, path: string): string | null {
    return this.#index.challenge(host, path);
  }

  /** One synchronous step: a request sees the table before or the table after. */
  apply(table: RouteTable): void {
    this.#applyEndpoints(table);
    this.#applyStates(table);
    this.#applyPools(table);
    const { policies, quotas } = this.#ground;
    policies.apply(table.policies ?? []);
    quotas.declared = policies.limited;
    this.#index.apply(table, (route) => {
      const pool = this.#pools.get(route.pool);
      return pool === undefined ? null : entryOf(route, pool, policies.find(route.policy));
    });
  }

  /** Whether requests may be waiting for the first endpoint of a pool. */
  get waits(): boolean {
    return [...this.#pools.values()].some(
      ({ config }) => config.kind === 'proxy' && config.waitForEndpoint !== undefined,
    );
  }

  inFlight(): Map<string, number> {
    const counts = new Map<string, number>();
    const count = ({ id, inFlight }: EndpointState): void => {
      if (inFlight > 0) counts.set(id, (counts.get(id) ?? 0) + inFlight);
    };
    for (const endpoint of this.#endpoints.values()) count(endpoint);
    for (const endpoint of this.#leaving) count(endpoint);
    return counts;
  }

  /** Ids of the table's endpoints from which nothing comes although requests wait there. */
  stalled(): string[] {
    const now = performance.now();
    return [...this.#endpoints.values()].filter((endpoint) => endpoint.stalled(now)).map(({ id }) => id);
  }

  /** Ids of the table's endpoints to which less is let through than is asked for, and which answer. */
  overloaded(): string[] {
    const now = performance.now();
    return [...this.#endpoints.values()].filter((endpoint) => endpoint.isOverloaded(now)).map(({ id }) => id);
  }

  counters(): PoolCounters[] {
    return [...this.#pools.values()].map((pool) => pool.counters());
  }

  sweep(now: number): void {
    for (const endpoint of this.#endpoints.values()) endpoint.sweep(now);
    for (const pool of this.#growing) {
      pool.grow(this.#ground.options.now());
      if (!pool.growing) this.#growing.delete(pool);
    }
    for (const endpoint of this.#leaving) {
      if (endpoint.inFlight === 0) this.#leaving.delete(endpoint);
    }
  }

  close(): void {
    for (const endpoint of this.#endpoints.values()) endpoint.retire();
  }

  /** An id whose address has changed is another endpoint: what is known of the old address does not hold for the new. */
  #applyEndpoints(table: RouteTable): void {
    const next = new Map<string, EndpointState>();
    for (const pool of table.pools) {
      if (pool.kind === 'static') continue;
      for (const { id, host, port } of pool.endpoints) {
        if (next.has(id)) continue;
        const before = this.#endpoints.get(id);
        const same = before !== undefined && before.host === host && before.port === port;
        next.set(id, same ? before : new EndpointState(this.#ground, { id, host, port }));
      }
    }
    for (const [id, endpoint] of this.#endpoints) {
      if (next.get(id) === endpoint) continue;
      endpoint.retire();
      this.#leaving.add(endpoint);
    }
    this.#endpoints = next;
  }

  /** What the table says about endpoints as such, whichever pool says it. */
  #applyStates(table: RouteTable): void {
    const down = new Set<string>();
    const counted = new Set<string>();
    const free = new Set<string>();
    let waits = false;
    for (const pool of table.pools) {
      if (pool.kind === 'static') continue;
      waits ||= pool.waitForEndpoint !== undefined;
      for (const endpoint of pool.endpoints) {
        if (endpoint.down === true) down.add(endpoint.id);
        if (pool.maxConnections !== undefined) counted.add(endpoint.id);
        if (pool.maxConnections !== undefined || pool.overload === 'off') free.add(endpoint.id);
      }
    }
    for (const [id, endpoint] of this.#endpoints) {
      endpoint.down = down.has(id);
      endpoint.gated = !free.has(id);
      this.#count(endpoint, counted.has(id));
    }
    if ((counted.size === 0 && !waits) || this.#counts) return;
    this.#counts = true;
    this.#ground.places.start(() => this.#held());
  }

  /** What is under way at an endpoint when its limit comes counts too. */
  #count(endpoint: EndpointState, counted: boolean): void {
    if (endpoint.counted === counted) return;
    endpoint.counted = counted;
    if (this.#counts && endpoint.inFlight > 0)
      this.#ground.places.change(endpoint.id, counted ? endpoint.inFlight : -endpoint.inFlight);
  }

  #held(): Map<string, number> {
    const held = new Map<string, number>();
    for (const endpoint of [...this.#endpoints.values(), ...this.#leaving]) {
      if (endpoint.counted && endpoint.inFlight > 0)
        held.set(endpoint.id, (held.get(endpoint.id) ?? 0) + endpoint.inFlight);
    }
    return held;
  }

  #applyPools(table: RouteTable): void {
    const next = new Map<string, PoolState>();
    const now = this.#ground.options.now();
    this.#growing.clear();
    for (const config of table.pools) {
      const pool = this.#pools.get(config.id) ?? new PoolState(config);
      pool.update(config, this.#endpoints, now);
      if (pool.growing) this.#growing.add(pool);
      next.set(config.id, pool);
    }
    for (const [id, pool] of this.#pools) {
      if (!next.has(id)) pool.retire();
    }
    this.#pools = next;
  }
}
