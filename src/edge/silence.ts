import { processorWait } from '../lib/processor.ts';

/** Milliseconds of a worker's own silence after which it is hung, and of any silence. */
const limits = { own: 2_000, any: 15_000 } as const;

/**
 * How long a worker has owed an answer. On a machine that has too much to do a worker answers late because it is not let run; to kill it then cuts all its
 * connections and gives the machine more to do. So what counts is the time in which it ran, slept or was stopped, not the time in which it waited for a
 * processor; nor does a time count in which the one who asks was not let run himself: he says how much he has listened.
 */
export class Silence {
  readonly #wait: () => number;
  #waited: number;
  #own = 0;
  #any = 0;

  constructor(pid: number, wait: () => number = () => processorWait(pid)) {
    this.#wait = wait;
    this.#waited = wait();
  }

  /** After so many more milliseconds of listening: whether the worker is hung. */
  hears(milliseconds: number): boolean {
    const waited = this.#wait();
    this.#own += Math.max(0, milliseconds - Math.max(0, waited - this.#waited));
    this.#any += milliseconds;
    this.#waited = waited;
    return this.#own >= limits.own || this.#any >= limits.any;
  }
}
