import type { Clock } from '../../../src/lib/clock.ts';

import { Agenda } from '../rollout/agenda.ts';
import { tell } from './life.ts';

/** Time of the simulated machine: passes only from one planned thing to the next. Its wall clock can be set. */
export class Time {
  readonly agenda = new Agenda();
  /** Things that happened; where none did nothing can have changed. */
  happened = 0;
  #epoch: number;

  constructor(epoch: number) {
    this.#epoch = epoch;
  }

  get elapsed(): number {
    return this.agenda.now;
  }

  get wall(): number {
    return this.#epoch + this.agenda.now;
  }

  /** Somebody sets the machine's clock. */
  jump(milliseconds: number): void {
    this.#epoch += milliseconds;
  }

  plan(delay: number, happen: () => void): void {
    this.agenda.plan(delay, () => {
      this.happened += 1;
      happen();
    });
  }

  pause(milliseconds: number): Promise<void> {
    return new Promise((resolve) => this.plan(milliseconds, resolve));
  }

  /** As a process that began now sees it, as long as it lives. */
  clock(isAlive: () => boolean = () => true): Clock {
    const began = this.#epoch;
    return {
      now: () => this.wall,
      steady: () => Math.floor(began + this.agenda.now),
      monotonic: () => this.agenda.now,
      after: (milliseconds, wake) => {
        let waits = true;
        this.agenda.plan(milliseconds, () => {
          if (!waits || !isAlive()) return;
          this.happened += 1;
          tell(wake);
        });
        return { [Symbol.dispose]: () => void (waits = false) };
      },
    };
  }
}
