import type { Pool, ProxyPool } from '../../pool.ts';
import type { PoolCounters } from '../../port.ts';
import { pick } from './balance.ts';
import type { EndpointState } from './endpoint.ts';
import { Member, rank } from './member.ts';
import { RetryBudget } from './retry-budget.ts';
import { cookieValues } from './sticky.ts';

/** What a request asks of the choice. */
export interface Choice {
  /** Monotonic milliseconds. */
  readonly now: number;
  /** Not again, unless the pool has no other. */
  readonly tried: readonly EndpointState[];
  /** Hash of the client's address. */
  readonly client: number;
  /** Of the sticky cookie. */
  readonly preferred: Member | null;
}

/** One pool over all tables that name it: its configuration is replaced, its counters stay. */
export class PoolState {
  config: Pool;
  members: readonly Member[] = [];
  /** By value of the sticky cookie: one look finds an endpoint and proves the signature. */
  #byCookie: ReadonlyMap<string, Member> = new Map();
  /** Some weight still grows. */
  growing = false;
  /** No table names it any more: what is under way looks for its route again. */
  retired = false;
  readonly budget = new RetryBudget();
  requests = 0;
  retries = 0;
  ejections = 0;
  shed = 0;

  constructor(config: Pool) {
    this.config = config;
  }

  /** Takes over the next table's version; members that stay keep their turn. `now`: milliseconds since the epoch. */
  update(config: Pool, endpoints: ReadonlyMap<string, EndpointState>, now: number): void {
    this.config = config;
    this.members = config.kind === 'static' ? [] : this.#membersOf(config, endpoints);
    this.#byCookie = new Map(
      this.members.flatMap((member) => (member.cookie === null ? [] : [[member.cookie, member]])),
    );
    this.grow(now);
  }

  retire(): void {
    this.retired = true;
    this.growing = false;
    this.members = [];
  }

  /** Brings the weights of young endpoints up to date; milliseconds since the epoch. */
  grow(now: number): void {
    const slowStart = this.config.kind === 'proxy' ? (this.config.slowStart ?? 0) : 0;
    this.growing = false;
    if (slowStart === 0) return;
    for (const member of this.members) this.growing = member.grow(slowStart, now) || this.growing;
  }

  /** The endpoint that the sticky cookie among these field lines names; `null` where none does. */
  preferred(config: ProxyPool, fields: string): Member | null {
    if (config.sticky === undefined) return null;
    for (const value of cookieValues(fields, config.sticky.cookie)) {
      const member = this.#byCookie.get(value);
      if (member !== undefined) return member;
    }
    return null;
  }

  /** The endpoint for the next try; `null` where there is none, or none with room. */
  choose(config: ProxyPool, choice: Choice): Member | null {
    const first = this.members[0];
    if (first === undefined) return null;
    if (this.members.length === 1) return first.endpoint.full ? null : first;
    return this.#best(config, choice, this.#rank(config, choice));
  }

  /** Nobody was chosen: whether that is because of overload, which is counted then. */
  refuses(): boolean {
    const atLimit = this.members.filter(({ endpoint }) => endpoint.atLimit);
    for (const { endpoint } of atLimit) endpoint.gate.refuse();
    if (atLimit.length > 0) this.shed += 1;
    return atLimit.length > 0;
  }

  /** All that could take the next try, the best first: for pools in which a place has to be had. */
  choices(config: ProxyPool, choice: Choice): Member[] {
    if (this.members.length === 1) return [...this.members];
    const best = this.#rank(config, choice);
    const chosen = this.#best(config, choice, best);
    if (chosen === null) return [];
    const others = this.members.filter((member) => member !== chosen && member.rank <= Math.max(best, rank.stalled));
    others.sort((a, b) => a.rank - b.rank || load(a) - load(b));
    return [chosen, ...others];
  }

  #membersOf(config: ProxyPool, endpoints: ReadonlyMap<string, EndpointState>): Member[] {
    const before = new Map(this.members.map((member) => [member.endpoint, member]));
    return config.endpoints.flatMap((declared) => {
      const endpoint = endpoints.get(declared.id);
      if (endpoint === undefined) return [];
      return [new Member(config, { endpoint, declared, before: before.get(endpoint) })];
    });
  }

  /**
   * Ranks the members for this request and gives the best rank. A fit endpoint without room is not given up for one that is ejected or
   * down: the request waits for it, or is refused.
   */
  #rank({ balance }: ProxyPool, { now, tried }: Choice): number {
    let best: number = rank.out;
    let full: number = rank.out;
    for (const member of this.members) {
      let standing = member.standing(now);
      if (standing === rank.stalled && balance === 'ip-hash') standing = rank.ready;
      if (tried.length > 0 && tried.includes(member.endpoint)) standing = rank.out;
      else if (member.endpoint.full) {
        full = Math.min(full, standing);
        standing = rank.out;
      }
      member.rank = standing;
      if (standing < best) best = standing;
    }
    return best > rank.stalled && full < best ? rank.out : best;
  }

  #best({ balance }: ProxyPool, { client, preferred }: Choice, best: number): Member | null {
    if (best === rank.out) return null;
    if (preferred !== null && preferred.rank <= Math.max(best, rank.stalled)) return preferred;
    return pick(balance, { candidates: this.members, rank: best, client, random: Math.random });
  }

  counters(): PoolCounters {
    return {
      pool: this.config.id,
      requests: this.requests,
      retries: this.retries,
      ejections: this.ejections,
      shed: this.shed,
    };
  }
}

function load({ endpoint, weight }: Member): number {
  return endpoint.inFlight / weight;
}
