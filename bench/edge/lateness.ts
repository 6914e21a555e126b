/** Milliseconds between two looks, and without one after which this process counts as late: half of what the edge waits for a handshake. */
const period = 100;
const limit = 5_000;

/**
 * Whether this process was let run. On a machine that has too much to do a client may open a connection and get no processor for as long as the edge waits for
 * its first byte: that the edge closes it then is what it should do.
 */
export class Lateness {
  #seen = performance.now();
  #lateUntil = Number.NEGATIVE_INFINITY;

  constructor() {
    setInterval(() => this.#look(), period).unref();
  }

  /** Since a moment of `performance.now()`. */
  wasLateSince(moment: number): boolean {
    this.#look();
    return this.#lateUntil >= moment;
  }

  #look(): void {
    const now = performance.now();
    if (now - this.#seen > limit) this.#lateUntil = now;
    this.#seen = now;
  }
}
