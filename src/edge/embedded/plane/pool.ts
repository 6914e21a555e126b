import type { Pool, ProxyPool } from '../../pool.ts';
import type { PoolCounters } from '../../port.ts';
import { hashOf, pick } from './balance.ts';
import type { EndpointState } from './endpoint.ts';

/** An endpoint as a member of one pool: weight and turn are the pool's. */
export interface Member {
  readonly endpoint: EndpointState;
  readonly weight: number;
  readonly hash: number;
  current: number;
}

/** What a request asks of the choice. */
export interface Choice {
  readonly now: number;
  /** Not again, unless the pool has no other. */
  readonly tried: readonly EndpointState[];
  /** Hash of the client's address. */
  readonly client: number;
}

/** One pool over all tables that name it: its configuration is replaced, its counters stay. */
export class PoolState {
  config: Pool;
  members: readonly Member[] = [];
  /** No table names it any more: what is under way looks for its route again. */
  retired = false;
  requests = 0;
  /** By first digit of the status. */
  readonly responses = [0, 0, 0, 0, 0, 0];
  retries = 0;
  ejections = 0;

  constructor(config: Pool) {
    this.config = config;
  }

  /** Takes over the next table's version; members that stay keep their turn. */
  update(config: Pool, endpoints: ReadonlyMap<string, EndpointState>): void {
    const before = new Map(this.members.map((member) => [member.endpoint, member]));
    this.config = config;
    this.members =
      config.kind === 'static'
        ? []
        : config.endpoints.flatMap(({ id, weight }) => {
            const endpoint = endpoints.get(id);
            if (endpoint === undefined) return [];
            return [
              {
                endpoint,
                weight: Math.max(weight, 1e-6),
                hash: hashOf(id),
                current: before.get(endpoint)?.current ?? 0,
              },
            ];
          });
  }

  retire(): void {
    this.retired = true;
    this.members = [];
  }

  /** The endpoint for the next try: a usable one, else an ejected one, since all that is known is that it failed a while ago. */
  choose(config: ProxyPool, { now, tried, client }: Choice): EndpointState | null {
    const candidates = this.members;
    const first = candidates[0];
    if (first === undefined) return null;
    if (candidates.length === 1) return this.#chosen(first);
    const untried = ({ endpoint }: Member): boolean => !tried.includes(endpoint) && !endpoint.full;
    const usable = (member: Member): boolean => member.endpoint.health.usable(now) && untried(member);
    const member =
      pick(config.balance, { candidates, allowed: usable, client }) ??
      pick(config.balance, { candidates, allowed: untried, client });
    return member === null ? null : this.#chosen(member);
  }

  #chosen({ endpoint }: Member): EndpointState | null {
    if (endpoint.full) return null;
    endpoint.health.chosen();
    return endpoint;
  }

  counters(): PoolCounters {
    const [, informational = 0, success = 0, redirection = 0, clientError = 0, serverError = 0] = this.responses;
    return {
      pool: this.config.id,
      requests: this.requests,
      responses: { '1xx': informational, '2xx': success, '3xx': redirection, '4xx': clientError, '5xx': serverError },
      retries: this.retries,
      ejections: this.ejections,
    };
  }
}
