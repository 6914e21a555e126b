/** Resolves at the next call of what `subscribe` hands out, or when the signal aborts. */
export function next(subscribe: (wake: () => void) => Disposable, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) return resolve();
    const end = () => {
      subscribed[Symbol.dispose]();
      signal.removeEventListener('abort', end);
      resolve();
    };
    const subscribed = subscribe(end);
    signal.addEventListener('abort', end, { once: true });
  });
}

/** Tells all who listen that something may be new; they look for themselves. */
export class Ripples {
  readonly #listeners = new Set<() => void>();

  subscribe(wake: () => void): Disposable {
    this.#listeners.add(wake);
    return { [Symbol.dispose]: () => void this.#listeners.delete(wake) };
  }

  spread(): void {
    for (const wake of this.#listeners) wake();
  }
}
