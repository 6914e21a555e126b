import { createMasker, type Masker } from '../../secrets/mask.ts';
import type { FileProgress } from './database.ts';
import { type Position, takeLines } from './lines.ts';
import type { LogSource } from './port.ts';
import { Segments } from './segments.ts';

/** Bytes of one run's output that are read in one turn. */
export const chunkSize = 128 * 1024;

/** Zeros at the place of resumption beyond this are what a power cut left of a file whose end was not yet written. */
const holeAtLeast = 512;

/** Unread bytes of one run beyond which the oldest files of them are passed over: the quota would not keep them. */
const backlogLimit = 32 << 20;

/** Bytes of output after the last word on what was dropped beyond which it is said again once the output pauses: the quota may have taken that word. */
const recallAfter = 4 << 20;

/** What a turn at a file gave. It counts only when it was stored: then `Tail.advance` takes it. */
export interface TailTurn {
  readonly lines: readonly string[];
  readonly progress: FileProgress;
  /** Bytes that are lost, beyond the lines. */
  readonly dropped: number;
  /** Kapal's own words about the file. */
  readonly remark: string | null;
  /** It skipped zeros up to its end, and there may be more of them. */
  readonly inHole: boolean;
}

/** The output of one run and how far it was read. */
export class Tail {
  source: LogSource;
  /** Why the file could not be read when it was last tried; null when it could, or is not there. */
  trouble: string | null = null;
  #mask: Masker;
  #longestForm = 0;
  #progress: FileProgress;
  #resumed = true;
  readonly #segments: Segments;
  /** Where the output ended when there was last nothing more to take. */
  #exhaustedAt = -1;
  /** Where something was last said of what was dropped, since this daemon began; null: nothing was. */
  #toldAt: number | null = null;

  constructor(source: LogSource, progress: FileProgress | null) {
    this.source = source;
    this.#progress = progress ?? { offset: 0, position: 'start', dropped: 0 };
    this.#mask = createMasker(source.masks);
    this.#segments = new Segments(source.path);
    this.update(source);
  }

  get offset(): number {
    return this.#progress.offset;
  }

  mask(text: string): string {
    return this.#mask(text);
  }

  update(source: LogSource): void {
    this.source = source;
    this.#mask = createMasker(source.masks);
    // A character takes at most six inside JSON, three bytes of three characters each inside a URL.
    this.#longestForm = 9 * Math.max(0, ...source.masks.map((value) => value.length));
  }

  /** Where the output ends now, 0 where there is none (yet). */
  size(): number {
    return this.#guarded(() => this.#segments.end()) ?? 0;
  }

  /** Reads the next piece; null where there is none. `last` takes the end that has no newline too. */
  take(buffer: Buffer, { last }: { last: boolean }): TailTurn | null {
    if (this.trouble === null && this.#guarded(() => this.#segments.isSilent(this.offset)) === true) {
      this.#segments.close();
      return this.#recall();
    }
    const turn = this.#guarded(() => this.#take(buffer, last));
    if (turn === null) this.#segments.close();
    return turn;
  }

  /** After the turn was stored. Throws where what was read could not be removed. */
  advance(turn: TailTurn): void {
    this.#progress = turn.progress;
    this.#resumed = turn.inHole;
    if (turn.remark !== null) this.#toldAt = turn.progress.offset;
    this.#segments.free(turn.progress.offset);
  }

  close(): void {
    this.#segments.close();
  }

  #take(buffer: Buffer, last: boolean): TailTurn | null {
    const { offset, position, dropped } = this.#progress;
    const ahead = this.#segments.startWithin(backlogLimit);
    const late = ahead !== null && ahead > offset;
    const reading = late ? { length: 0, gap: ahead } : this.#segments.read(buffer.subarray(0, chunkSize), offset);
    if (reading === null) return null;
    if (reading === 'truncated') return this.#restart();
    const end = offset + reading.length;
    if (reading.length > 0 && (end !== this.#exhaustedAt || last || reading.gap !== null)) {
      const chunk = buffer.subarray(0, reading.length);
      const turn = this.#skipHole(chunk) ?? this.#split(chunk, position, last && reading.length < chunkSize);
      if (turn.progress.offset > offset) return turn;
      this.#exhaustedAt = end;
    }
    // A line that has no end before the gap is lost with what follows it.
    if (reading.gap === null) return null;
    const lost = reading.gap - offset;
    const progress: FileProgress = { offset: reading.gap, position: 'skip', dropped: dropped + lost };
    return { lines: [], progress, dropped: lost, remark: wordsOfLoss(lost, dropped + lost), inHole: false };
  }

  /** After a flood that was stored in parts: what stands in the log says how much does not. */
  #recall(): TailTurn | null {
    const { offset, dropped } = this.#progress;
    if (this.#toldAt === null || dropped === 0 || offset - this.#toldAt < recallAfter) return null;
    const remark = `${dropped} of ${offset} bytes of output were dropped since the run began`;
    return { lines: [], progress: this.#progress, dropped: 0, remark, inHole: false };
  }

  #guarded<T>(work: () => T): T | null {
    this.trouble = null;
    try {
      return work();
    } catch (error) {
      this.trouble = error instanceof Error ? error.message : String(error);
      return null;
    }
  }

  #split(chunk: Buffer, position: Position, last: boolean): TailTurn {
    const taken = takeLines(chunk, position, { mask: this.#mask, longestForm: this.#longestForm, last });
    const progress = { ...this.#progress, offset: this.offset + taken.consumed, position: taken.position };
    return { lines: taken.lines, progress, dropped: 0, remark: null, inHole: false };
  }

  /** Somebody truncated the file under the writer, who goes on at its end (O_APPEND): nothing before that can be told from what was read. */
  #restart(): TailTurn {
    const remark = 'the output file was truncated by another program';
    const progress: FileProgress = { ...this.#progress, offset: this.#segments.end(), position: 'start' };
    return { lines: [], progress, dropped: 0, remark, inHole: false };
  }

  #skipHole(chunk: Buffer): TailTurn | null {
    if (!this.#resumed || chunk[0] !== 0) return null;
    const end = chunk.findIndex((byte) => byte !== 0);
    const zeros = end < 0 ? chunk.length : end;
    if (zeros < holeAtLeast) return null;
    // The first line after a hole has lost its beginning.
    const progress: FileProgress = { ...this.#progress, offset: this.offset + zeros, position: 'skip' };
    return { lines: [], progress, dropped: 0, remark: null, inHole: end < 0 };
  }
}

/** What the reader of logs is told in the place of what is missing. */
function wordsOfLoss(lost: number, total: number): string {
  const all = total === lost ? '' : ` (${total} since the run began)`;
  return `${lost} bytes of output were dropped${all}: they came faster than logs are stored, or while the disk was full`;
}
