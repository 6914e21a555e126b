/**
 * What is wrong with a tree, for a caller to put into its own words: `refused` is unsafe or not representable, `too-large` is over a
 * limit, `changed` was altered while it was read, `failed` is the system's or git's own no.
 */
export class TreeError extends Error {
  readonly kind: 'refused' | 'too-large' | 'changed' | 'failed';
  readonly hint: string | null;

  constructor(kind: TreeError['kind'], message: string, more: { hint?: string; cause?: unknown } = {}) {
    super(message, more.cause === undefined ? undefined : { cause: more.cause });
    this.name = 'TreeError';
    this.kind = kind;
    this.hint = more.hint ?? null;
  }
}

/** A path as messages show it: quoted, control characters escaped, never longer than a line. */
export function shown(path: string): string {
  const text = JSON.stringify(path);
  return text.length > 160 ? `${text.slice(0, 157)}..."` : text;
}
