import { isChangeable, isFieldValue } from '../../model/headers.ts';
import { plainly, shown } from '../report.ts';
import type { HeaderChangeSpec } from '../edge-spec.ts';
import type { Value } from '../yaml/value.ts';
import { mismatch, refuseAt, textOf } from './expectation.ts';
import type { Reading, Shape } from './shape.ts';

/** The name of a field that a declaration may change, in lower case. */
export const headerName: Shape<string> = {
  is: { kind: 'header' },
  read(value, at) {
    const found = textOf(value)?.trim();
    if (found === undefined) return mismatch(value, at, this.is);
    const problem = problemOf(found);
    return problem === null ? found.toLowerCase() : refuseAt(value, at, problem);
  },
};

/** What a field is set to. Numbers and booleans become the text that was written. */
export const headerValue: Shape<string> = {
  is: { kind: 'scalar' },
  read(value, at) {
    if (value.kind !== 'scalar' || value.value === null) return mismatch(value, at, this.is);
    const found = typeof value.value === 'string' ? value.value : value.source;
    if (isFieldValue(found)) return found;
    return refuseAt(
      value,
      at,
      'expected visible ASCII on one line, of 4096 characters at most, without blanks around it',
    );
  },
};

/** `{Name: value}`: each name once, whatever its case. */
export const headerValues: Shape<readonly HeaderChangeSpec[]> = {
  is: { kind: 'headers' },
  read(value, at) {
    if (value.kind !== 'map') return mismatch(value, at, this.is);
    const found = new Map<string, string>();
    for (const entry of value.entries) {
      const path = `${at.path}.${plainly(entry.key)}`;
      const problem = found.has(entry.key.toLowerCase()) ? 'is set twice' : problemOf(entry.key);
      if (problem !== null) at.report.refuse({ ...entry.keyAt, path }, problem);
      const text = valueOf(entry.value, { ...at, path });
      if (problem === null && text !== undefined) found.set(entry.key.toLowerCase(), text);
    }
    return [...found].map(([name, text]) => ({ name, value: text }));
  },
};

function valueOf(value: Value, at: Reading): string | undefined {
  return headerValue.read(value, at);
}

function problemOf(name: string): string | null {
  const lower = name.toLowerCase();
  if (isChangeable(lower)) return null;
  return /^[!#$%&'*+.^_`|~0-9a-z-]{1,100}$/.test(lower)
    ? `${name} belongs to the connection or to the edge itself: nobody else sets or removes it`
    : `expected the name of a header, found ${shown(name)}`;
}
