import { closeSync, constants, fstatSync, lstatSync, openSync, readSync } from 'node:fs';
import { isMissing } from '../../lib/files.ts';
import { createMasker, type Masker } from '../../secrets/mask.ts';
import type { FileProgress } from './database.ts';
import { type Position, takeLines } from './lines.ts';
import type { LogSource } from './port.ts';

/** Bytes of one file that are read in one turn. */
export const chunkSize = 128 * 1024;

/** Zeros at the place of resumption beyond this are the hole of a head that was freed before a power cut undid the record of it. */
const holeAtLeast = 512;

/** What a turn at a file gave. It counts only when it was stored: then `Tail.advance` takes it. */
export interface TailTurn {
  readonly lines: readonly string[];
  readonly progress: FileProgress;
  /** Kapal's own words about the file: what was dropped. */
  readonly remark: string | null;
  /** It skipped zeros up to its end, and there may be more of them. */
  readonly inHole: boolean;
}

/** One append-only file and how far it was read. Opens the file for each turn: nothing is held for those that are silent. */
export class Tail {
  source: LogSource;
  /** Bytes of the file's head that were given back to the file system. */
  freed = 0;
  /** Why the file could not be read when it was last tried; null when it could, or is not there. */
  trouble: string | null = null;
  #mask: Masker;
  #longestForm = 0;
  #progress: FileProgress;
  #resumed = true;
  /** Size when there was last nothing more to take. */
  #exhaustedAt = -1;

  constructor(source: LogSource, progress: FileProgress | null) {
    this.source = source;
    this.#progress = progress ?? { offset: 0, position: 'start' };
    this.#mask = createMasker(source.masks);
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

  /** The size of the file now, 0 where it is not there (yet). */
  size(): number {
    return this.#withFile(({ size }) => size) ?? 0;
  }

  /** Reads the next piece; null where there is none. `last` takes the end that has no newline too. */
  take(buffer: Buffer, { backlog, last }: { backlog: number; last: boolean }): TailTurn | null {
    if (this.#isSilent()) return null;
    return this.#withFile(({ descriptor, size }) => {
      const { offset, position } = this.#progress;
      if (size < offset) return this.#restart(size);
      if (size - offset > backlog) return dropped(offset, size - Math.floor(backlog / 2));
      if (size === offset || (size === this.#exhaustedAt && !last)) return null;
      const chunk = buffer.subarray(0, readSync(descriptor, buffer, 0, chunkSize, offset));
      const turn = this.#skipHole(chunk) ?? this.#split(chunk, position, last && offset + chunk.length >= size);
      if (turn.progress.offset === offset) this.#exhaustedAt = size;
      return turn.progress.offset === offset ? null : turn;
    });
  }

  /** Whether all of it was taken: one system call, where opening it takes three. Most files are silent most of the time. */
  #isSilent(): boolean {
    const stats = lstatSync(this.source.path, { throwIfNoEntry: false });
    return stats?.isFile() === true && stats.size === this.#progress.offset && this.trouble === null;
  }

  /** After the turn was stored. */
  advance(turn: TailTurn): void {
    this.#progress = turn.progress;
    this.#resumed = turn.inHole;
  }

  /** Opens the file where it is a plain one and no link: the folder may belong to the app's user. Null where it cannot be read. */
  #withFile<T>(work: (file: { descriptor: number; size: number }) => T): T | null {
    this.trouble = null;
    try {
      const descriptor = openSync(this.source.path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
      try {
        const stats = fstatSync(descriptor);
        if (stats.isFile()) return work({ descriptor, size: stats.size });
        this.trouble = `${this.source.path} is not a plain file`;
        return null;
      } finally {
        closeSync(descriptor);
      }
    } catch (error) {
      if (!isMissing(error)) this.trouble = error instanceof Error ? error.message : String(error);
      return null;
    }
  }

  #split(chunk: Buffer, position: Position, last: boolean): TailTurn {
    const taken = takeLines(chunk, position, { mask: this.#mask, longestForm: this.#longestForm, last });
    const progress = { offset: this.offset + taken.consumed, position: taken.position };
    return { lines: taken.lines, progress, remark: null, inHole: false };
  }

  /** Somebody truncated the file under the writer, who goes on at its end (O_APPEND): nothing before that can be told from what was read. */
  #restart(size: number): TailTurn {
    this.freed = 0;
    const remark = 'the output file was truncated by another program';
    return { lines: [], progress: { offset: size, position: 'start' }, remark, inHole: false };
  }

  #skipHole(chunk: Buffer): TailTurn | null {
    if (!this.#resumed || chunk[0] !== 0) return null;
    const end = chunk.findIndex((byte) => byte !== 0);
    const zeros = end < 0 ? chunk.length : end;
    if (zeros < holeAtLeast) return null;
    // The first line after a hole has lost its beginning.
    const progress: FileProgress = { offset: this.offset + zeros, position: 'skip' };
    return { lines: [], progress, remark: null, inHole: end < 0 };
  }
}

function dropped(offset: number, next: number): TailTurn {
  const remark = `${next - offset} bytes of output were dropped: they came faster than they could be stored`;
  return { lines: [], progress: { offset: next, position: 'skip' }, remark, inHole: false };
}
