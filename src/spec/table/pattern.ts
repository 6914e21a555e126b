import { parseSource } from '../../model/path-pattern.ts';
import { shown } from '../report.ts';
import { expectation, mismatch, refuseAt, textOf } from './expectation.ts';
import type { Shape } from './shape.ts';

/** A pattern of paths as the edge takes it: segment by segment a literal, `:name` for one segment, `*` as the last for the rest. */
export const pattern: Shape<string> = {
  is: { kind: 'pattern' },
  read(value, at) {
    const found = textOf(value);
    if (found === null) return mismatch(value, at, this.is);
    const parsed = parseSource(found);
    return 'problem' in parsed
      ? refuseAt(value, at, `expected ${expectation(this.is)}: ${shown(found)} ${parsed.problem}`)
      : found;
  },
};

/** Where a rule leads to. It is judged beside its source, from which it may take placeholders. */
export function destination(kind: 'destination' | 'url-path'): Shape<string> {
  return {
    is: { kind },
    read(value, at) {
      return textOf(value) ?? mismatch(value, at, this.is);
    },
  };
}
