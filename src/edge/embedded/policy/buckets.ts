/** Consumption that is told to other workers in one round: of more clients than these only the first. */
const maxTold = 10_000;
/** Full buckets that one look forgets at most. */
const forgottenAtOnce = 2_000;
/** A bucket that was full when another worker took from it: that was at most so long ago. Milliseconds. */
const told = 250;

/** A bucket's size and filling, in the time that its requests cost. */
export interface Rate {
  /** The same in every worker. */
  readonly id: string;
  /** Milliseconds for one request more. */
  readonly cost: number;
  /** Milliseconds of requests that may come at once, beside the first. */
  readonly burst: number;
}

export function rateOf(id: string, limit: { readonly requestsPerSecond: number; readonly burst: number }): Rate {
  const cost = 1000 / limit.requestsPerSecond;
  return { id, cost, burst: (limit.burst - 1) * cost };
}

/**
 * Token buckets in the form of the generic cell rate algorithm (ITU-T I.371): of each client one number is kept, the moment at which its bucket is
 * full again. It lies in the future as long as something has been taken, by as much as was taken. Not more than `capacity` clients
 * are known, of all rates together; the one that was heard of the longest ago is forgotten first.
 */
export class Buckets {
  readonly #capacity: number;
  /** In the order of the last request. */
  readonly #full = new Map<string, number>();
  #taken = new Map<string, number>();

  constructor(capacity = 100_000) {
    this.#capacity = capacity;
  }

  get size(): number {
    return this.#full.size;
  }

  /** Milliseconds until the client may make another request, 0 for now. `now` in milliseconds of any clock that only goes on. */
  wait(rate: Rate, client: string, now: number): number {
    const full = this.#full.get(keyOf(rate, client)) ?? 0;
    // A thousandth of a millisecond, against what division leaves over.
    const wait = full - now - rate.burst;
    return wait <= 1e-3 ? 0 : wait;
  }

  /** A request that did not have to wait is made. */
  take(rate: Rate, client: string, now: number): void {
    const key = keyOf(rate, client);
    this.#put(key, Math.max(this.#full.get(key) ?? 0, now) + rate.cost);
    const before = this.#taken.get(key);
    if (before !== undefined || this.#taken.size < maxTold) this.#taken.set(key, (before ?? 0) + rate.cost);
  }

  /** What was taken here since the last call, in milliseconds by bucket; for the other workers. */
  taken(): [string, number][] {
    const taken = [...this.#taken];
    if (taken.length > 0) this.#taken = new Map();
    return taken;
  }

  /** Another worker has let requests through. */
  learn(taken: readonly (readonly [string, number])[], now: number): void {
    for (const [key, cost] of taken) this.#put(key, Math.max(this.#full.get(key) ?? 0, now - told) + cost);
  }

  /** Forgets the oldest that are full: they are as good as new ones. */
  forgetFull(now: number): void {
    let left = forgottenAtOnce;
    for (const [key, full] of this.#full) {
      if (full > now || left === 0) return;
      this.#full.delete(key);
      left -= 1;
    }
  }

  #put(key: string, full: number): void {
    this.#full.delete(key);
    this.#full.set(key, full);
    if (this.#full.size <= this.#capacity) return;
    const [oldest] = this.#full.keys();
    if (oldest !== undefined) this.#full.delete(oldest);
  }
}

function keyOf(rate: Rate, client: string): string {
  return `${rate.id}\0${client}`;
}
