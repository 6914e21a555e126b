import type { Clock } from '../../src/lib/clock.ts';

/** Time that passes only by `advance`; wakes come in their order, each at its own moment. */
export class ManualClock implements Clock {
  #elapsed = 0;
  readonly #epoch = Date.UTC(2026, 0, 1);
  readonly #wakes = new Map<object, { at: number; wake: () => void }>();

  now(): number {
    return this.#epoch + this.#elapsed;
  }

  steady(): number {
    return this.now();
  }

  monotonic(): number {
    return this.#elapsed;
  }

  after(milliseconds: number, wake: () => void): Disposable {
    const key = {};
    this.#wakes.set(key, { at: this.#elapsed + milliseconds, wake });
    return { [Symbol.dispose]: () => this.#wakes.delete(key) };
  }

  advance(milliseconds: number): void {
    const end = this.#elapsed + milliseconds;
    for (;;) {
      const due = [...this.#wakes].filter(([, entry]) => entry.at <= end).toSorted(([, a], [, b]) => a.at - b.at)[0];
      if (due === undefined) break;
      const [key, { at, wake }] = due;
      this.#wakes.delete(key);
      this.#elapsed = Math.max(this.#elapsed, at);
      wake();
    }
    this.#elapsed = end;
  }
}
