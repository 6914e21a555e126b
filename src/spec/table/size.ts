import { shown } from '../report.ts';
import { expectation, mismatch, refuseAt, textOf, units } from './expectation.ts';
import type { Shape } from './shape.ts';

/** A size in bytes. `MB` and `MiB` are the same: 1024 times 1024 bytes. */
export function size(min: number): Shape<number> {
  const is = { kind: 'size', min } as const;
  return {
    is,
    read(value, at) {
      if (value.kind === 'scalar' && typeof value.value === 'number')
        return refuseAt(
          value,
          at,
          `expected ${expectation(is)}, found the number ${value.source.slice(0, 40)} without a unit`,
        );
      const found = textOf(value);
      if (found === null) return mismatch(value, at, is);
      const bytes = bytesOf(found);
      return bytes === null || bytes < min
        ? refuseAt(value, at, `expected ${expectation(is)}, found ${shown(found)}`)
        : bytes;
    },
  };
}

function bytesOf(found: string): number | null {
  const match = /^(\d{1,9}(?:\.\d{1,3})?)\s*([kmgt])i?b?$/i.exec(found.trim());
  if (match === null) return null;
  return Math.floor(Number(match[1]) * (units[(match[2] ?? '').toLowerCase()] ?? 1));
}
