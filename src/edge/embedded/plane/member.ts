import type { Endpoint, ProxyPool, Sticky } from '../../pool.ts';
import { hashOf } from './balance.ts';
import type { EndpointState } from './endpoint.ts';
import { stickyValue } from './sticky.ts';

/** How fit an endpoint is for a request: a lower rank comes first, and `out` is no choice at all. */
export const rank = { ready: 0, stalled: 1, ejected: 2, down: 3, out: 4 } as const;

/** What a weight begins with while it grows. */
const first = 0.1;

/** An endpoint as a member of one pool: weight, turn and cookie are the pool's. */
export class Member {
  readonly endpoint: EndpointState;
  readonly hash: number;
  readonly down: boolean;
  /** Value of the sticky cookie that names it; `null` where the pool has none. */
  readonly cookie: string | null;
  readonly #declared: number;
  readonly #since: number | undefined;
  /** As declared, or less while it grows. */
  weight: number;
  current: number;
  rank: number = rank.ready;

  /** `before`: the same endpoint in the table before. */
  constructor(config: ProxyPool, { endpoint, declared, before }: MemberOrigin) {
    this.endpoint = endpoint;
    this.hash = before?.hash ?? hashOf(declared.id);
    this.down = declared.down === true;
    this.cookie = cookieOf(config.sticky, declared.id);
    this.#declared = Math.max(declared.weight, 1e-6);
    this.#since = declared.since;
    this.weight = this.#declared;
    this.current = before?.current ?? 0;
  }

  /** Sets the weight that holds now, in milliseconds since the epoch; `false` once it is whole. */
  grow(slowStart: number, now: number): boolean {
    const age = this.#since === undefined ? slowStart : Math.max(0, now - this.#since);
    const share = age >= slowStart ? 1 : first + (1 - first) * (age / slowStart);
    this.weight = this.#declared * share;
    return share < 1;
  }

  /** Whether a request could still be sent there, if only it had room. */
  fits(now: number, tried: readonly EndpointState[]): boolean {
    return !this.down && this.endpoint.health.usable(now) && !tried.includes(this.endpoint);
  }

  /** Its rank apart from what has been tried and what is full; `now` is monotonic. */
  standing(now: number): number {
    if (this.down) return rank.down;
    if (!this.endpoint.health.usable(now)) return rank.ejected;
    return this.endpoint.stalled(now) ? rank.stalled : rank.ready;
  }
}

export interface MemberOrigin {
  readonly endpoint: EndpointState;
  readonly declared: Endpoint;
  readonly before: Member | undefined;
}

function cookieOf(sticky: Sticky | undefined, id: string): string | null {
  return sticky === undefined ? null : stickyValue(id, sticky.key);
}
