import {
  closeSync,
  constants,
  fstatSync,
  lstatSync,
  openSync,
  readdirSync,
  readSync,
  statSync,
  unlinkSync,
} from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { isMissing } from '../../lib/files.ts';

/** What a reading gave. `gap`: what follows the bytes is lost, and the output goes on at that offset. */
export interface Reading {
  readonly length: number;
  readonly gap: number | null;
}

interface Segment {
  readonly path: string;
  /** Bytes of output that came before it. */
  readonly start: number;
}

interface OpenSegment extends Segment {
  readonly descriptor: number;
}

/** A change of a folder within this of the listing may have come after it: the time stamps of file systems are that coarse. */
const listingSettles = 100;

/**
 * The output of one run: `PATH` from its first byte, and `PATH.OFFSET` from later ones, each appended to and then left for the next. The keeper
 * (runtime/process/keeper.sh) removes the oldest when there are too many, so reading may find that it came too late. A segment that is
 * being read is held open: it is read to its end even if it has been removed, and nothing is held for those who are silent.
 */
export class Segments {
  readonly #path: string;
  #known: readonly Segment[] = [];
  #listed = { changed: -1, at: 0 };
  readonly #open = new Map<number, OpenSegment>();

  constructor(path: string) {
    this.#path = path;
  }

  /** Whether nothing has come beyond `offset`, by two system calls: most runs are silent most of the time. */
  isSilent(offset: number): boolean {
    const last = this.#known.at(-1);
    if (last === undefined || this.#hasChanged()) return false;
    const stats = lstatSync(last.path, { throwIfNoEntry: false });
    return stats?.isFile() === true && last.start + stats.size === offset;
  }

  /** Where the output ends now; 0 where there is none. */
  end(): number {
    this.#list();
    const last = this.#known.at(-1);
    const size = last === undefined ? null : this.#sizeOf(last);
    return last === undefined || size === null ? 0 : last.start + size;
  }

  /** The start of the oldest segment from which no more than so many bytes follow; null where there is none. */
  startWithin(bytes: number): number | null {
    this.#list();
    if (this.#known.length < 3) return null;
    const end = this.end();
    return this.#known.find(({ start }) => end - start <= bytes)?.start ?? null;
  }

  /**
   * Fills the buffer from `offset` on, over the ends of segments. Null where there is nothing (yet). Throws what the system says, and an Error
   * for what is not a plain file.
   */
  read(buffer: Buffer, offset: number): Reading | 'truncated' | null {
    this.#list();
    let index = this.#known.findLastIndex((segment) => segment.start <= offset);
    if (index < 0) {
      const [first] = this.#known;
      return first === undefined ? null : { length: 0, gap: first.start };
    }
    let position = offset;
    for (; index < this.#known.length; index += 1) {
      const segment = this.#opened(index);
      const next = this.#known[index + 1];
      if (segment === null) {
        // Removed between the listing and now.
        if (next === undefined) break;
        return { length: position - offset, gap: next.start };
      }
      const { size } = fstatSync(segment.descriptor);
      if (segment.start + size < position && next === undefined) return 'truncated';
      const room = buffer.length - (position - offset);
      const read =
        room === 0 ? 0 : readSync(segment.descriptor, buffer, position - offset, room, position - segment.start);
      position += read;
      if (position < segment.start + size || next === undefined) break;
      if (next.start > position) return { length: position - offset, gap: next.start };
    }
    return { length: position - offset, gap: null };
  }

  /** Removes the segments that end before `offset`: what they held is on record. Throws what the system says. */
  free(offset: number): void {
    for (const [index, segment] of this.#known.entries()) {
      const next = this.#known[index + 1];
      if (next === undefined || next.start > offset) break;
      this.#close(segment.start);
      removeIfThere(segment.path);
    }
  }

  /** Lets go of every file; a later reading opens them again. */
  close(): void {
    for (const start of this.#open.keys()) this.#close(start);
  }

  #hasChanged(): boolean {
    return changedAt(dirname(this.#path)) !== this.#listed.changed;
  }

  #list(): void {
    const folder = dirname(this.#path);
    const changed = changedAt(folder);
    if (changed !== null && changed === this.#listed.changed) return;
    const at = Date.now();
    const found = segmentsIn(folder, basename(this.#path));
    const removed = [...this.#open.values()].filter(({ start }) => !found.some((segment) => segment.start === start));
    this.#known = [...removed, ...found].toSorted((a, b) => a.start - b.start);
    this.#listed = { changed: changed !== null && at - changed > listingSettles ? changed : -1, at };
  }

  #opened(index: number): OpenSegment | null {
    const segment = this.#known[index];
    if (segment === undefined) return null;
    const known = this.#open.get(segment.start);
    if (known !== undefined) return known;
    const descriptor = openPlain(segment.path);
    if (descriptor === null) return null;
    const opened = { ...segment, descriptor };
    this.#open.set(segment.start, opened);
    return opened;
  }

  #sizeOf(segment: Segment): number | null {
    const opened = this.#open.get(segment.start);
    if (opened !== undefined) return fstatSync(opened.descriptor).size;
    return lstatSync(segment.path, { throwIfNoEntry: false })?.size ?? null;
  }

  #close(start: number): void {
    const opened = this.#open.get(start);
    this.#open.delete(start);
    if (opened !== undefined) closeSync(opened.descriptor);
  }
}

/** The segments of an output, the first byte first. */
function segmentsIn(folder: string, name: string): Segment[] {
  return names(folder)
    .flatMap((found) => {
      if (found === name) return [{ path: join(folder, found), start: 0 }];
      const start = found.startsWith(`${name}.`) ? found.slice(name.length + 1) : '';
      return /^\d{1,15}$/.test(start) ? [{ path: join(folder, found), start: Number(start) }] : [];
    })
    .toSorted((a, b) => a.start - b.start);
}

function names(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch (error) {
    if (isMissing(error)) return [];
    throw error;
  }
}

/** A plain file and no link: the folder may belong to the app's user. Null where there is none. */
function openPlain(path: string): number | null {
  let descriptor: number;
  try {
    descriptor = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  } catch (error) {
    if (isMissing(error)) return null;
    throw error;
  }
  if (fstatSync(descriptor).isFile()) return descriptor;
  closeSync(descriptor);
  throw new Error(`${path} is not a plain file`);
}

function removeIfThere(path: string): void {
  try {
    unlinkSync(path);
  } catch (error) {
    if (!isMissing(error)) throw error;
  }
}

/** Milliseconds since the epoch; null where there is no such folder. */
function changedAt(folder: string): number | null {
  return statSync(folder, { throwIfNoEntry: false })?.mtimeMs ?? null;
}
