import { type Refusal, refusals } from './refusal.ts';

/** Sizes in bytes, line ends included. */
export interface HeadLimits {
  readonly headSize: number;
  readonly requestLineSize: number;
}

/** More bytes are needed. */
export const NEEDS_MORE = -1;

const CR = 13;
const LF = 10;
const TAB = 9;
const empty = Buffer.alloc(0);

/**
 * Finds the end of a message's head over any number of segments. Lines end in CRLF only (RFC 9112 2.2 lets a recipient take a bare
 * LF; parsers that differ there are how requests are smuggled). Each byte is looked at once, so a head sent byte by byte costs no
 * more than one sent whole. The answer does not depend on how the bytes were cut into segments.
 */
export class HeadScanner {
  readonly #limits: HeadLimits;
  /** What came before, when a head spans segments. */
  #gathered: Buffer = empty;
  #length = 0;
  /** Relative to the head's start: the next byte to look at, and where the current line began. */
  #next = 0;
  #lineStart = 0;
  #firstLineEnded = false;

  /** Where the head lies once `feed` has given a position: a view of the segment, or of what was gathered. Valid until the next call. */
  bytes: Buffer = empty;
  start = 0;
  end = 0;

  constructor(limits: HeadLimits) {
    this.#limits = limits;
  }

  /** Whether a head has begun and not ended. */
  get partial(): boolean {
    return this.#length > 0;
  }

  /** Looks at `segment` from `from` to `to`. The position after the head in the segment, `NEEDS_MORE` (all was taken), or why it is refused. */
  feed(segment: Buffer, from: number, to: number): number | Refusal {
    if (this.#length === 0) {
      const end = this.#scan(segment, from, to);
      if (end === NEEDS_MORE) this.#gather(segment, from, to);
      return end;
    }
    const before = this.#length;
    this.#gather(segment, from, to);
    const end = this.#scan(this.#gathered, 0, this.#length);
    return typeof end === 'number' && end !== NEEDS_MORE ? from + end - before : end;
  }

  /** Forgets the head that was found or begun. */
  reset(): void {
    this.#gathered = empty;
    this.#length = 0;
    this.#next = 0;
    this.#lineStart = 0;
    this.#firstLineEnded = false;
    this.bytes = empty;
  }

  #scan(bytes: Buffer, start: number, to: number): number | Refusal {
    let lineStart = start + this.#lineStart;
    let limit = start + (this.#firstLineEnded ? this.#limits.headSize : this.#limits.requestLineSize);
    let i = start + this.#next;
    for (; i < to && i < limit; i += 1) {
      const byte = bytes[i] as number;
      if (byte > CR || byte === TAB) continue;
      if (byte !== CR) return byte === LF ? refusals.bareLineFeed : refusals.control;
      if (i + 1 >= to || i + 1 >= limit) break;
      if (bytes[i + 1] !== LF) return refusals.bareCarriageReturn;
      if (i === lineStart) return this.#found(bytes, start, i + 2);
      i += 1;
      lineStart = i + 1;
      this.#firstLineEnded = true;
      limit = start + this.#limits.headSize;
    }
    // The second case: a carriage return is the last byte that would still fit.
    if (i >= limit || (i < to && i + 1 >= limit))
      return this.#firstLineEnded ? refusals.headTooLarge : refusals.lineTooLong;
    this.#next = i - start;
    this.#lineStart = lineStart - start;
    return NEEDS_MORE;
  }

  #found(bytes: Buffer, start: number, end: number): number {
    this.bytes = bytes;
    this.start = start;
    this.end = end;
    return end;
  }

  #gather(segment: Buffer, from: number, to: number): void {
    // Beyond the limit nothing is looked at: the scan ends before.
    const count = Math.min(to - from, this.#limits.headSize + 1 - this.#length);
    const needed = this.#length + count;
    if (needed > this.#gathered.length) {
      const larger = Buffer.allocUnsafe(
        Math.max(1024, needed, Math.min(this.#gathered.length * 2, this.#limits.headSize + 1)),
      );
      this.#gathered.copy(larger, 0, 0, this.#length);
      this.#gathered = larger;
    }
    segment.copy(this.#gathered, this.#length, from, from + count);
    this.#length = needed;
  }
}
