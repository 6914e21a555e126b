/** A bounded number of turns, handed out in the order of asking. */
export class Slots {
  #free: number;
  #waiting: { grant: () => void; moved: (position: number) => void }[] = [];

  constructor(count: number) {
    this.#free = count;
  }

  /** Resolves with a turn that ends when it is disposed; rejects with the signal's reason. `moved` hears the position while waiting, from 1. */
  async take(signal: AbortSignal, moved: (position: number) => void = () => undefined): Promise<Disposable> {
    signal.throwIfAborted();
    if (this.#free > 0) this.#free -= 1;
    else await this.#wait(signal, moved);
    let held = true;
    return {
      [Symbol.dispose]: () => {
        if (held) this.#give();
        held = false;
      },
    };
  }

  #wait(signal: AbortSignal, moved: (position: number) => void): Promise<void> {
    return new Promise((resolve, reject) => {
      const turn = { grant: () => (signal.removeEventListener('abort', leave), resolve()), moved };
      const leave = () => {
        this.#waiting = this.#waiting.filter((other) => other !== turn);
        reject(signal.reason instanceof Error ? signal.reason : new Error('aborted'));
      };
      signal.addEventListener('abort', leave, { once: true });
      this.#waiting.push(turn);
      moved(this.#waiting.length);
    });
  }

  #give(): void {
    const next = this.#waiting.shift();
    if (next === undefined) this.#free += 1;
    else next.grant();
    for (const [index, turn] of this.#waiting.entries()) turn.moved(index + 1);
  }
}
