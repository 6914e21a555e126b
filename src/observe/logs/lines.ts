import type { Masker } from '../../secrets/mask.ts';

/** The longest text of a line that is kept, in UTF-16 units; the rest is cut and said to be. */
export const longestText = 16 * 1024;

/** Bytes without a newline after which a line is stored, cut, before its end was seen. Well above `longestText`, so that a secret value at the cut is still seen whole. */
export const longestWait = 64 * 1024;

const cutMark = ' [cut here: the line is longer than 16 KiB]';
const newline = 0x0a;

/**
 * Where in a line the next byte of a file stands:
 *
 *   start  --newline--> start
 *   start  --last line without newline stored by a flush--> middle
 *   middle --newline (which ends what was stored, and is no empty line)--> start
 *   start | middle --64 KiB without newline, or bytes dropped--> skip
 *   skip   --newline--> start
 */
export const positions = ['start', 'middle', 'skip'] as const;
export type Position = (typeof positions)[number];

export interface Taken {
  readonly lines: readonly string[];
  /** Bytes of the chunk that are done with; what follows them comes again with the next chunk. */
  readonly consumed: number;
  readonly position: Position;
}

/**
 * Splits what was read into lines, masked and cut. `last`: also the end that has no newline yet. Invalid UTF-8 becomes U+FFFD;
 * nothing else is changed, colours stay. `longestForm` is the length of the longest text that the masker replaces.
 */
export function takeLines(
  chunk: Buffer,
  position: Position,
  { mask, longestForm, last }: { mask: Masker; longestForm: number; last: boolean },
): Taken {
  const begin = beginning(chunk, position);
  if (begin === null) return { lines: [], consumed: chunk.length, position: 'skip' };
  const end = chunk.lastIndexOf(newline);
  const lines =
    end < begin
      ? []
      : mask(chunk.toString('utf8', begin, end))
          .split('\n')
          .map(cut);
  const done = Math.max(begin, end + 1);
  const rest = chunk.length - done;
  if (rest >= longestWait) {
    lines.push(cutUnseen(mask(chunk.toString('utf8', done)), longestForm));
    return { lines, consumed: chunk.length, position: 'skip' };
  }
  if (last && rest > 0) {
    lines.push(cut(mask(chunk.toString('utf8', done))));
    return { lines, consumed: chunk.length, position: 'middle' };
  }
  return { lines, consumed: done, position: done === 0 ? position : 'start' };
}

/** The first byte that belongs to a line to be stored; null: none in this chunk. */
function beginning(chunk: Buffer, position: Position): number | null {
  if (position === 'middle') return chunk[0] === newline ? 1 : 0;
  if (position === 'start') return 0;
  const end = chunk.indexOf(newline);
  return end < 0 ? null : end + 1;
}

/** A cut may part a surrogate pair, which SQLite could not store as UTF-8. */
function cut(text: string): string {
  return text.length <= longestText ? text : text.slice(0, longestText).toWellFormed() + cutMark;
}

/** The end of the text was not seen, and may be the first half of a secret value: that much of it is not shown. */
function cutUnseen(text: string, longestForm: number): string {
  return text.slice(0, Math.max(0, Math.min(longestText, text.length - longestForm))).toWellFormed() + cutMark;
}
