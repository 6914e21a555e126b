const seconds = 10;
const share = 0.2;
const free = 10;

/**
 * Of the requests of the last ten seconds, at most a fifth may be repeats, but ten always: an endpoint that fails now and then is
 * hidden, while one pool in trouble as a whole is not asked three times as much. Each worker counts for itself.
 */
export class RetryBudget {
  readonly #requests: number[] = Array.from({ length: seconds }, () => 0);
  readonly #repeats: number[] = Array.from({ length: seconds }, () => 0);
  #at = 0;
  #until = 0;
  #requestSum = 0;
  #repeatSum = 0;

  /** A request of a client. `now`: monotonic milliseconds. */
  arrived(now: number): void {
    if (now >= this.#until) this.#turn(now);
    this.#requests[this.#at] = (this.#requests[this.#at] ?? 0) + 1;
    this.#requestSum += 1;
  }

  /** Whether a request may be repeated now; if so it is counted. */
  take(now: number): boolean {
    if (now >= this.#until) this.#turn(now);
    if (this.#repeatSum >= Math.max(free, this.#requestSum * share)) return false;
    this.#repeats[this.#at] = (this.#repeats[this.#at] ?? 0) + 1;
    this.#repeatSum += 1;
    return true;
  }

  /** Forgets the seconds that have passed. */
  #turn(now: number): void {
    const passed = Math.min(Math.floor((now - this.#until) / 1000) + 1, seconds);
    for (let i = 0; i < passed; i += 1) {
      this.#at = (this.#at + 1) % seconds;
      this.#requestSum -= this.#requests[this.#at] ?? 0;
      this.#repeatSum -= this.#repeats[this.#at] ?? 0;
      this.#requests[this.#at] = 0;
      this.#repeats[this.#at] = 0;
    }
    this.#until = now + 1000;
  }
}
