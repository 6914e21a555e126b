/** A request in its one unambiguous form, as an endpoint gets it. */
export interface Forwarded {
  readonly method?: string;
  readonly target?: string;
  readonly body?: string;
}

/**
 * What becomes of the bytes: `refused`, with nothing of them at an endpoint; forwarded in this form; or one of the two, where the letter of the RFC
 * leaves a choice and the engines differ.
 */
export type Verdict = 'refused' | Forwarded | { readonly either: Forwarded };

export interface StrictnessCase {
  readonly name: string;
  /** Latin-1; pieces are written one after the other. */
  readonly bytes: string | readonly string[];
  readonly verdict: Verdict;
}

/** What would be a request of its own, were the one before it read otherwise. */
export const smuggled = 'GET /smuggled HTTP/1.1\r\nHost: a.test\r\n\r\n';

export function get(line: string, fields: readonly string[] = ['Host: a.test']): string {
  return `${[line, ...fields].join('\r\n')}\r\n\r\n`;
}

/** A POST to `/` with these field lines and what follows its head. */
export function post(fields: readonly string[], body: string): string {
  return get('POST / HTTP/1.1', ['Host: a.test', ...fields]) + body;
}

export function refused(name: string, bytes: string | readonly string[]): StrictnessCase {
  return { name, bytes, verdict: 'refused' };
}

export function forwarded(name: string, bytes: string | readonly string[], form: Forwarded = {}): StrictnessCase {
  return { name, bytes, verdict: form };
}

export function either(name: string, bytes: string | readonly string[], form: Forwarded = {}): StrictnessCase {
  return { name, bytes, verdict: { either: form } };
}
