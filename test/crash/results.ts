import { appendFileSync, existsSync, readFileSync } from 'node:fs';
import type { Engine } from './crash.ts';

/** One run of a step with its daemon killed. */
export interface Result {
  readonly edge: Engine;
  readonly step: string;
  /** The pass at which it was to be killed. */
  readonly point: string;
  readonly turn: number;
  /** Points of the kills that came: the first, and of the next daemon. */
  readonly killed: readonly string[];
  /** The invariant that did not hold; null: all did. */
  readonly violation: string | null;
}

/** What a step passes without a kill, in order. */
export interface Learnt {
  readonly edge: Engine;
  readonly step: string;
  readonly passes: readonly string[];
}

/** Results in a file, one JSON a line, so that a long run can be taken up where it ended. Without a path they are only kept. */
export class Results {
  readonly results: Result[] = [];
  readonly learnt: Learnt[] = [];
  readonly #path: string | null;

  constructor(path: string | null) {
    this.#path = path;
    if (path === null || !existsSync(path)) return;
    for (const line of readFileSync(path, 'utf8').split('\n').filter(Boolean)) {
      // The cast: lines that this class wrote.
      const found = JSON.parse(line) as Result | Learnt;
      if ('passes' in found) this.learnt.push(found);
      else this.results.push(found);
    }
  }

  add(found: Result): void {
    this.results.push(found);
    this.#write(found);
  }

  learn(found: Learnt): void {
    this.learnt.push(found);
    this.#write(found);
  }

  #write(found: Result | Learnt): void {
    if (this.#path !== null) appendFileSync(this.#path, `${JSON.stringify(found)}\n`);
  }
}
