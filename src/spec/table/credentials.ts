import { isVariableName } from '../../model/names.ts';
import { shown } from '../report.ts';
import { mismatch, refuseAt, textOf } from './expectation.ts';
import type { Shape } from './shape.ts';

/** The name of a person (RFC 7617 2: no colon, which ends it). */
export const userName: Shape<string> = {
  is: { kind: 'text' },
  read(value, at) {
    const found = textOf(value);
    if (found === null) return mismatch(value, at, this.is);
    if (/^[^:\p{Cc}]{1,100}$/u.test(found)) return found;
    return refuseAt(value, at, `expected a name of 100 characters at most without a colon, found ${shown(found)}`);
  },
};

/** What the browser shows above the question: it stands between quotes in a header. */
export const realm: Shape<string> = {
  is: { kind: 'text' },
  read(value, at) {
    const found = textOf(value);
    if (found === null) return mismatch(value, at, this.is);
    if (/^[\x20-\x7e]{1,100}$/.test(found) && !/["\\]/.test(found)) return found;
    return refuseAt(value, at, 'expected 100 characters of ASCII at most, without quotes and backslashes');
  },
};

export const variableName: Shape<string> = {
  is: { kind: 'text' },
  read(value, at) {
    const found = textOf(value);
    if (found === null) return mismatch(value, at, this.is);
    return isVariableName(found) ? found : refuseAt(value, at, `${shown(found)} is not the name of a variable`);
  },
};

/** A token of RFC 6265 4.1.1. */
export const cookieName: Shape<string> = {
  is: { kind: 'text' },
  read(value, at) {
    const found = textOf(value);
    if (found === null) return mismatch(value, at, this.is);
    // Browsers take a cookie with such a name under conditions that plain HTTP does not meet.
    if (/^__(?:host|secure)-/i.test(found))
      return refuseAt(value, at, 'a name that begins with __Host- or __Secure- works over HTTPS only');
    if (/^[!#$%&'*+.^_`|~0-9A-Za-z-]{1,64}$/.test(found)) return found;
    return refuseAt(value, at, `expected the name of a cookie, found ${shown(found)}`);
  },
};
