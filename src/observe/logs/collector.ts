import { setImmediate as turnOver, setTimeout as pause } from 'node:timers/promises';
import type { ServiceId } from '../../model/service.ts';
import { type LogDatabase, lineOverhead } from './database.ts';
import type { OwnLine } from './messages.ts';
import { Pace } from './pace.ts';
import type { LogLoss, LogSource } from './port.ts';
import { chunkSize, Tail, type TailTurn } from './tail.ts';

/** What a transaction takes at most before it is committed and others get their turn. */
const roundBytes = 4 << 20;

/** How long an unfinished line must not grow before a flush stores it: a program that writes in two pieces does so within this. */
const settleTime = 40;

export interface CollectorEvents {
  stored(services: readonly ServiceId[]): void;
  dropped(loss: LogLoss): void;
  /** For the daemon's log; each text once. */
  warning(message: string): void;
}

/** A file with what was read of it and has yet to be stored. */
interface Read {
  readonly tail: Tail;
  readonly turn: TailTurn;
}

/** Drains the files of all runs into the database, each in its turn. */
export class Collector {
  readonly #database: LogDatabase;
  readonly #events: CollectorEvents;
  readonly #tails = new Map<string, Tail>();
  readonly #buffer = Buffer.allocUnsafeSlow(chunkSize);
  readonly #warned = new Set<string>();
  readonly #pace = new Pace();

  constructor(database: LogDatabase, events: CollectorEvents) {
    this.#database = database;
    this.#events = events;
  }

  attach(source: LogSource): void {
    const known = this.#tails.get(source.run);
    if (known !== undefined) known.update(source);
    else this.#tails.set(source.run, new Tail(source, this.#database.progress(source.run)));
  }

  async detach(run: string): Promise<void> {
    const tail = this.#tails.get(run);
    if (tail === undefined) return;
    await this.#finish(tail);
    this.#store([tail], false);
    tail.close();
    this.#pace.forget(run);
    if (this.#tails.get(run) === tail) this.#tails.delete(run);
    this.#database.closeFile(run, Date.now());
  }

  async flush(run: string): Promise<void> {
    const tail = this.#tails.get(run);
    if (tail !== undefined) await this.#finish(tail);
  }

  /** Kapal's own words; masked like the output of the service, which they may quote. */
  write({ text, ...origin }: OwnLine): void {
    const tails = [...this.#tails.values()].filter((tail) => tail.source.service === origin.service);
    const lines = tails.reduce((masked, tail) => tail.mask(masked), text.toWellFormed()).split('\n');
    this.#database.transaction(() => this.#database.append(origin, lines, Date.now()));
    this.#events.stored([origin.service]);
  }

  /** One turn for every file that has something and is within its pace; whether there was anything, so that there may be more. */
  round(): boolean {
    const now = performance.now();
    const tails = [...this.#tails.values()].filter((tail) => this.#pace.allows(tail.source.run, now));
    const busy = this.#store(tails, false);
    return this.#database.trim() || busy;
  }

  /** For idle moments; whether it is worth calling again. */
  tidy(): boolean {
    return this.#database.shrink();
  }

  /** Deletes the oldest lines of all until so many bytes are gone, and gives their room back; answers how many lines. */
  async reclaim(bytes: number): Promise<number> {
    let removed = 0;
    for (let freed = 0; freed < bytes; await turnOver()) {
      const step = this.#database.trimOldest();
      if (step.lines === 0) break;
      freed += step.bytes;
      removed += step.lines;
    }
    this.#database.shrinkWhole();
    return removed;
  }

  /** Deletes the lines that a service has now. */
  async forget(service: ServiceId): Promise<void> {
    const upTo = this.#database.newest();
    while (this.#database.forgetSome(service, upTo)) await turnOver();
  }

  /** Stores what can be read within `milliseconds`; what is left is read by the next daemon. */
  async finish(milliseconds: number): Promise<void> {
    const deadline = performance.now() + milliseconds;
    while (performance.now() < deadline && this.#store([...this.#tails.values()], false)) await turnOver();
  }

  /** To where the file ends now, unfinished line included. A writer that never pauses does not keep us here. */
  async #finish(tail: Tail): Promise<void> {
    const end = tail.size();
    this.#warnOf(tail);
    while (tail.offset < end && this.#store([tail], false)) await turnOver();
    let size = tail.size();
    while (tail.offset < end) {
      await pause(settleTime);
      const grown = tail.size();
      const settled = grown === size || grown - end > chunkSize;
      if (!this.#store([tail], settled) && settled) return;
      size = grown;
    }
  }

  /** One turn for each file; whether there was anything. `last`: unfinished lines too. */
  #store(tails: readonly Tail[], last: boolean): boolean {
    let any = false;
    for (const group of this.#read(tails, last)) {
      this.#commit(group);
      any = true;
    }
    return any;
  }

  *#read(tails: readonly Tail[], last: boolean): Generator<readonly Read[]> {
    let group: Read[] = [];
    let bytes = 0;
    for (const tail of tails) {
      const turn = tail.take(this.#buffer, { last });
      this.#warnOf(tail);
      if (turn === null) continue;
      group.push({ tail, turn });
      const size = Math.min(chunkSize, Math.max(0, turn.progress.offset - tail.offset - turn.dropped));
      this.#pace.spend(tail.source.run, size + turn.lines.length * lineOverhead);
      bytes += size;
      if (bytes < roundBytes) continue;
      yield group;
      group = [];
      bytes = 0;
    }
    if (group.length > 0) yield group;
  }

  /** Lines and the progress of their files are one transaction: a restart goes on exactly where this one ends. */
  #commit(group: readonly Read[]): void {
    const now = Date.now();
    this.#database.transaction(() => {
      for (const { tail, turn } of group) {
        const { service, kind, run, instance, release } = tail.source;
        const origin = { service, kind, run, instance, release };
        if (turn.remark !== null) this.#database.append({ ...origin, kind: 'kapal' }, [turn.remark], now);
        this.#database.append(origin, turn.lines, now);
        this.#database.saveProgress(run, turn.progress);
      }
    });
    for (const { tail, turn } of group) this.#advance(tail, turn);
    this.#events.stored(group.map(({ tail }) => tail.source.service));
  }

  #advance(tail: Tail, turn: TailTurn): void {
    const { service, run, instance } = tail.source;
    if (turn.dropped > 0) this.#events.dropped({ service, run, instance, bytes: turn.dropped });
    try {
      tail.advance(turn);
    } catch (error) {
      this.#warn(
        `what was read of ${run} stays on disk until it ends: ${error instanceof Error ? error.message : String(error)}`,
      );
    }
  }

  #warnOf({ trouble, source }: Tail): void {
    if (trouble !== null) this.#warn(`the output of ${source.run} cannot be read: ${trouble}`);
  }

  #warn(message: string): void {
    if (this.#warned.has(message)) return;
    // Messages name runs: without a bound the set would grow with them.
    if (this.#warned.size >= 1000) this.#warned.clear();
    this.#warned.add(message);
    this.#events.warning(message);
  }
}
