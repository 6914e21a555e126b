import type { InFlight, RouteTable } from '../edge/port.ts';

/** Endpoints whose leaving is remembered; the oldest are forgotten, long after they drained. */
const rememberedEndpoints = 10_000;

/**
 * What is known of the table that the workers of the edge serve, endpoint by endpoint. The step machine relies on a yes (others may drain) and on a no
 * (it may be told to stop), so whatever is neither is not known: before this daemon's first confirmed table, and while a push that names the endpoint
 * differently is under way or has failed, for it may have reached some workers.
 */
export class TableKnowledge {
  #confirmed: ReadonlySet<string> | null = null;
  readonly #uncertain = new Set<string>();
  /** Monotonic moments, in milliseconds. */
  readonly #leftAt = new Map<string, number>();
  #openedAt = Number.POSITIVE_INFINITY;
  #inFlight: InFlight = new Map();
  #inFlightAsOf = Number.NEGATIVE_INFINITY;

  /** A push begins. */
  attempt(table: RouteTable): void {
    const named = endpointsOf(table);
    const confirmed = this.#confirmed ?? new Set<string>();
    for (const endpoint of named) if (!confirmed.has(endpoint)) this.#uncertain.add(endpoint);
    for (const endpoint of confirmed) if (!named.has(endpoint)) this.#uncertain.add(endpoint);
  }

  /** Every worker serves the table. */
  confirm(table: RouteTable, now: number): void {
    const named = endpointsOf(table);
    for (const endpoint of [...(this.#confirmed ?? []), ...this.#uncertain])
      if (!named.has(endpoint)) this.#leftAt.set(endpoint, now);
    for (const endpoint of named) this.#leftAt.delete(endpoint);
    for (const endpoint of this.#leftAt.keys())
      if (this.#leftAt.size > rememberedEndpoints) this.#leftAt.delete(endpoint);
    this.#uncertain.clear();
    this.#confirmed = named;
    this.#openedAt = Math.min(this.#openedAt, now);
  }

  /** A reading of requests under way, which was begun at that moment. */
  read(inFlight: InFlight, begun: number): void {
    this.#inFlight = inFlight;
    this.#inFlightAsOf = begun;
  }

  /** Whether every worker names the endpoint (true), none does (false), or it is not known (null). */
  names(endpoint: string): boolean | null {
    if (this.#confirmed === null || this.#uncertain.has(endpoint)) return null;
    return this.#confirmed.has(endpoint);
  }

  /** Requests under way at an endpoint that no worker names any more; null before a reading that began after it had left. */
  inFlight(endpoint: string): number | null {
    if (this.names(endpoint) !== false) return null;
    if (this.#inFlightAsOf < (this.#leftAt.get(endpoint) ?? this.#openedAt)) return null;
    return this.#inFlight.get(endpoint) ?? 0;
  }
}

function endpointsOf(table: RouteTable): Set<string> {
  return new Set(
    table.pools.flatMap((pool) => (pool.kind === 'proxy' ? pool.endpoints.map((endpoint) => endpoint.id) : [])),
  );
}
