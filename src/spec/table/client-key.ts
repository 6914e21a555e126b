import { isChangeable } from '../../model/headers.ts';
import { shown } from '../report.ts';
import type { ClientKeySpec } from '../edge-spec.ts';
import { expectation, mismatch, refuseAt, textOf } from './expectation.ts';
import type { Shape } from './shape.ts';

/** By what one client is told from another: `ip`, or `header:X-Api-Key`. */
export const clientKey: Shape<ClientKeySpec> = {
  is: { kind: 'client' },
  read(value, at) {
    const found = textOf(value)?.trim();
    if (found === undefined) return mismatch(value, at, this.is);
    if (found === 'ip') return { kind: 'ip' };
    const name = /^header:\s*(\S+)$/.exec(found)?.[1]?.toLowerCase();
    if (name !== undefined && isChangeable(name)) return { kind: 'header', name };
    return refuseAt(value, at, `expected ${expectation(this.is)}, such as header:X-Api-Key, found ${shown(found)}`);
  },
};
