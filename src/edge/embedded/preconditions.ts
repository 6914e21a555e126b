import type { HeaderLookup } from './plane/types.ts';

/** What identifies one state of a file. */
export interface Validators {
  /** Strong, with its quotes. */
  readonly etag: string;
  /** Whole seconds since the epoch. */
  readonly modified: number;
}

export type Precondition = 'proceed' | 'not-modified' | 'failed';

/** RFC 9110 13.2.2, in its order. */
export function evaluatePreconditions(headers: HeaderLookup, file: Validators): Precondition {
  const match = headers.get('if-match');
  if (match !== null) {
    if (!matches(match, file.etag, 'strong')) return 'failed';
  } else if (isBefore(headers.get('if-unmodified-since'), file.modified)) {
    return 'failed';
  }
  const noneMatch = headers.get('if-none-match');
  if (noneMatch !== null) return matches(noneMatch, file.etag, 'weak') ? 'not-modified' : 'proceed';
  const since = parseDate(headers.get('if-modified-since'));
  return since !== null && file.modified <= since ? 'not-modified' : 'proceed';
}

/** Whether a Range still means the file that the client has a part of (RFC 9110 13.1.5): exact date or strong tag. */
export function rangeApplies(headers: HeaderLookup, file: Validators): boolean {
  const field = headers.get('if-range');
  if (field === null) return true;
  if (field.startsWith('"')) return field === file.etag;
  return parseDate(field) === file.modified;
}

function matches(field: string, etag: string, comparison: 'strong' | 'weak'): boolean {
  if (field.trim() === '*') return true;
  const tags = field.match(/(?:W\/)?"[^"]*"/g) ?? [];
  return tags.some((tag) => tag === etag || (comparison === 'weak' && tag === `W/${etag}`));
}

function isBefore(field: string | null, modified: number): boolean {
  const date = parseDate(field);
  return date !== null && modified > date;
}

/** Seconds since the epoch, or null for what is no IMF-fixdate. */
function parseDate(field: string | null): number | null {
  if (field === null || !/^[A-Z][a-z]{2}, \d{2} [A-Z][a-z]{2} \d{4} \d{2}:\d{2}:\d{2} GMT$/.test(field)) return null;
  const milliseconds = Date.parse(field);
  return Number.isNaN(milliseconds) ? null : milliseconds / 1000;
}
