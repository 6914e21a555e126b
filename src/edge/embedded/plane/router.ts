import type { PoolCounters, RouteTable } from '../../port.ts';
import { EndpointState } from './endpoint.ts';
import type { Ground } from './ground.ts';
import { PoolState } from './pool.ts';

interface PathRoute {
  /** Without the slash at its end; empty for all. */
  readonly prefix: string;
  readonly pool: PoolState;
}

/** The route table in the form in which it is asked, with the state that outlives tables. */
export class Router {
  readonly #ground: Ground;
  #exact = new Map<string, PathRoute[]>();
  /** By what follows the first label. */
  #wildcard = new Map<string, PathRoute[]>();
  #pools = new Map<string, PoolState>();
  #endpoints = new Map<string, EndpointState>();
  /** Left the table with something under way. */
  readonly #leaving = new Set<EndpointState>();

  constructor(ground: Ground) {
    this.#ground = ground;
  }

  /** `host`: lower case, no port, no trailing dot. `path`: decoded and resolved where it was unusual. */
  find(host: string, path: string): PoolState | null {
    const exact = this.#exact.get(host);
    const found = exact === undefined ? null : longest(exact, path);
    if (found !== null || this.#wildcard.size === 0) return found;
    const dot = host.indexOf('.');
    const wildcard = dot < 1 ? undefined : this.#wildcard.get(host.slice(dot + 1));
    return wildcard === undefined ? null : longest(wildcard, path);
  }

  /** One synchronous step: a request sees the table before or the table after. */
  apply(table: RouteTable): void {
    this.#applyEndpoints(table);
    this.#applyPools(table);
    const exact = new Map<string, PathRoute[]>();
    const wildcard = new Map<string, PathRoute[]>();
    for (const route of table.routes) {
      const pool = this.#pools.get(route.pool);
      if (pool === undefined) continue;
      const isWildcard = route.host.startsWith('*.');
      const host = isWildcard ? route.host.slice(2) : route.host;
      const routes = isWildcard ? wildcard : exact;
      const paths = routes.get(host) ?? [];
      paths.push({ prefix: route.path.replace(/\/+$/, ''), pool });
      routes.set(host, paths);
    }
    for (const paths of [...exact.values(), ...wildcard.values()]) {
      paths.sort((a, b) => b.prefix.length - a.prefix.length);
    }
    this.#exact = exact;
    this.#wildcard = wildcard;
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

  counters(): PoolCounters[] {
    return [...this.#pools.values()].map((pool) => pool.counters());
  }

  sweep(now: number): void {
    for (const endpoint of this.#endpoints.values()) endpoint.sweep(now);
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

  #applyPools(table: RouteTable): void {
    const next = new Map<string, PoolState>();
    for (const config of table.pools) {
      const pool = this.#pools.get(config.id) ?? new PoolState(config);
      pool.update(config, this.#endpoints);
      next.set(config.id, pool);
    }
    for (const [id, pool] of this.#pools) {
      if (!next.has(id)) pool.retire();
    }
    this.#pools = next;
  }
}

/** The first of the routes, longest first, whose path is the request's or ends at one of its slashes. */
function longest(routes: readonly PathRoute[], path: string): PoolState | null {
  for (const { prefix, pool } of routes) {
    if (prefix === '') return pool;
    if (path.startsWith(prefix) && (path.length === prefix.length || path.charCodeAt(prefix.length) === 0x2f))
      return pool;
  }
  return null;
}
