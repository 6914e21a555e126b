/**
 * Passive health of one endpoint, from what requests meet. All times are monotonic milliseconds.
 *
 *   in use --3 failures in a row, or a refused connect--> ejected --time over--> on trial --success--> in use
 *                                                            ^------- failure, time doubled ------|
 */
export class Health {
  #failures = 0;
  #ejectedUntil = 0;
  #duration = 0;
  #trial = false;

  /** Whether requests should go there; on trial, one at a time. Balancing falls back to ejected endpoints where no other is left. */
  usable(now: number): boolean {
    return this.#ejectedUntil === 0 || (now >= this.#ejectedUntil && !this.#trial);
  }

  /** A request goes there now. */
  chosen(): void {
    if (this.#ejectedUntil !== 0) this.#trial = true;
  }

  succeeded(): void {
    if (this.#failures === 0 && this.#ejectedUntil === 0) return;
    this.#failures = 0;
    this.#ejectedUntil = 0;
    this.#duration = 0;
    this.#trial = false;
  }

  /** An answer has begun: it is alive, which others need not wait for the answer's end to use. One more failure ejects it again, for longer. */
  answering(): void {
    if (this.#ejectedUntil === 0) return;
    this.#ejectedUntil = 0;
    this.#trial = false;
    this.#failures = failuresToEject - 1;
  }

  /** A reset, a time-out or a malformed answer; `refused`: nobody listens, so there is nothing to wait for. Returns whether this ejects it. */
  failed(now: number, refused: boolean): boolean {
    this.#failures += 1;
    const onTrial = this.#trial;
    this.#trial = false;
    if (now < this.#ejectedUntil) return false;
    if (!refused && !onTrial && this.#failures < failuresToEject) return false;
    this.#duration = this.#duration === 0 ? firstEjection : Math.min(this.#duration * 2, longestEjection);
    this.#ejectedUntil = now + this.#duration;
    return true;
  }

  /** The request ended in a way that says nothing about the endpoint: the client left. */
  undecided(): void {
    this.#trial = false;
  }
}

const failuresToEject = 3;
const firstEjection = 1_000;
const longestEjection = 30_000;
