/** Of the answers. */
const nearlyAll = 0.95;
const halfLife = 120_000;
/** An overload is seen sooner than this after it began. */
const onset = 2_000;

/** Answers by their waits, over a time. */
export class Seen {
  readonly waits = noWaits();
  elapsed = 0;

  add(waits: readonly number[], elapsed: number): void {
    for (const [bucket, count] of waits.entries()) this.waits[bucket] = (this.waits[bucket] ?? 0) + count;
    this.elapsed += elapsed;
  }
}

/** What nineteen of twenty answers took at most, in the last minutes. */
export class Usual {
  readonly #weights: number[] = noWaits();
  wait = 0;
  #latest = new Seen();
  #before = new Seen();

  /** Is learnt a little later: how an overload begins is not usual. */
  see(waits: readonly number[], elapsed: number): void {
    this.#latest.add(waits, elapsed);
    if (this.#latest.elapsed < onset) return;
    this.learn(this.#before);
    this.#before = this.#latest;
    this.#latest = new Seen();
  }

  forgetLatest(): void {
    this.#latest = new Seen();
    this.#before = new Seen();
  }

  learn({ waits, elapsed }: Seen): void {
    const kept = 0.5 ** (elapsed / halfLife);
    let sum = 0;
    for (const [bucket, count] of waits.entries()) {
      const weight = (this.#weights[bucket] ?? 0) * kept + count;
      this.#weights[bucket] = weight;
      sum += weight;
    }
    if (sum === 0) return;
    let below = 0;
    let bucket = 0;
    for (; bucket < buckets - 1; bucket += 1) {
      below += this.#weights[bucket] ?? 0;
      if (below >= sum * nearlyAll) break;
    }
    this.wait = firstEdge * 2 ** bucket;
  }
}

/** Waits are counted by doubling: below 100 ms, below 200, and so on. */
const firstEdge = 100;
const buckets = 11;

export function bucketOf(wait: number): number {
  let bucket = 0;
  for (let edge = firstEdge; wait >= edge && bucket < buckets - 1; edge *= 2) bucket += 1;
  return bucket;
}

export function noWaits(): number[] {
  return Array.from({ length: buckets }, () => 0);
}
