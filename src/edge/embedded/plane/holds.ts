/** An answer that is held back until it is whole. */
export interface Held {
  /** Sends what there is. */
  release(): void;
}

/** Releases held answers after a while, with one timer for all of them; there is none while nothing is held. */
export class Holds {
  readonly #time: number;
  readonly #held = new Map<Held, number>();
  #timer: NodeJS.Timeout | null = null;

  constructor(time: number) {
    this.#time = time;
  }

  add(held: Held): void {
    if (this.#held.has(held)) return;
    this.#held.set(held, performance.now() + this.#time);
    this.#timer ??= setTimeout(() => this.#expire(), this.#time);
  }

  remove(held: Held): void {
    this.#held.delete(held);
  }

  clear(): void {
    this.#held.clear();
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
  }

  /** The oldest come first: a Map keeps the order of insertion. */
  #expire(): void {
    this.#timer = null;
    // A timer may fire a fraction of a millisecond early.
    const now = performance.now() + 1;
    for (const [held, until] of this.#held) {
      if (until > now) {
        this.#timer = setTimeout(() => this.#expire(), until - now + 1);
        return;
      }
      this.#held.delete(held);
      held.release();
    }
  }
}
