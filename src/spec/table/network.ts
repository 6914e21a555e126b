import { readNetwork } from '../../model/network.ts';
import { shown } from '../report.ts';
import { expectation, mismatch, refuseAt, textOf } from './expectation.ts';
import type { Shape } from './shape.ts';

/** Addresses in canonical CIDR form; one address is a network of one. */
export const network: Shape<string> = {
  is: { kind: 'network' },
  read(value, at) {
    const found = textOf(value)?.trim();
    if (found === undefined) return mismatch(value, at, this.is);
    const read = readNetwork(found);
    if (read.kind === 'network') return read.network;
    return refuseAt(
      value,
      at,
      read.kind === 'beyond'
        ? `${shown(found)} has bits beyond its prefix, did you mean ${read.network}?`
        : `expected ${expectation(this.is)}, found ${shown(found)}`,
    );
  },
};
