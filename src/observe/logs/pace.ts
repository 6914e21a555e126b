/** Bytes of one run that are stored a second in the long run, and in one go after a pause; counted as the quota counts them, with a constant for each line. */
const perSecond = 16 << 20;
const burst = 64 << 20;

/**
 * How much of each run's output is stored. What floods gets so much and no more: its lines push each other out of the quota anyway, and the
 * processor belongs to the services. What is not stored waits in its files, of which the keeper removes the oldest.
 */
export class Pace {
  readonly #runs = new Map<string, { left: number; at: number }>();

  /** `now` in milliseconds, ever growing. */
  allows(run: string, now: number): boolean {
    const known = this.#runs.get(run);
    if (known === undefined) {
      this.#runs.set(run, { left: burst, at: now });
      return true;
    }
    known.left = Math.min(burst, known.left + ((now - known.at) * perSecond) / 1000);
    known.at = now;
    return known.left > 0;
  }

  spend(run: string, bytes: number): void {
    const known = this.#runs.get(run);
    if (known !== undefined) known.left -= bytes;
  }

  forget(run: string): void {
    this.#runs.delete(run);
  }
}
