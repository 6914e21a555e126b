/** What another worker told is believed so long: one that is gone tells nothing any more. Milliseconds. */
const believed = 1_000;

/** Requests and upgraded connections under way by client, here and at the other workers. */
export class Occupancy {
  readonly #here = new Map<string, number>();
  readonly #elsewhere = new Map<number, { readonly until: number; readonly counts: ReadonlyMap<string, number> }>();

  /** Takes a place unless all `limit` are taken. */
  enter(key: string, limit: number): boolean {
    const here = this.#here.get(key) ?? 0;
    let all = here;
    for (const { counts } of this.#elsewhere.values()) all += counts.get(key) ?? 0;
    if (all >= limit) return false;
    this.#here.set(key, here + 1);
    return true;
  }

  leave(key: string): void {
    const here = this.#here.get(key) ?? 0;
    if (here > 1) this.#here.set(key, here - 1);
    else this.#here.delete(key);
  }

  counts(): [string, number][] {
    return [...this.#here];
  }

  /** What another worker holds at this moment: all of it, not the change. */
  learn(worker: number, counts: readonly (readonly [string, number])[], now: number): void {
    if (counts.length === 0) this.#elsewhere.delete(worker);
    else this.#elsewhere.set(worker, { until: now + believed, counts: new Map(counts) });
  }

  forgetSilent(now: number): void {
    for (const [worker, { until }] of this.#elsewhere) {
      if (until < now) this.#elsewhere.delete(worker);
    }
  }
}
