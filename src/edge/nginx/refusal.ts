import type { Clock } from '../../lib/clock.ts';

/** Milliseconds for which what did not come up is not tried again, unless it is something else by then. */
const PATIENCE = 600_000;

/** Remembers the next version that did not come up, while the one before serves on. */
export class Refusal {
  readonly #clock: Clock;
  #what: string | null = null;
  #until = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  note(what: string): void {
    this.#what = what;
    this.#until = this.#clock.monotonic() + PATIENCE;
  }

  holds(what: string): boolean {
    return this.#what === what && this.#clock.monotonic() < this.#until;
  }
}
