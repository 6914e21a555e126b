import { domainText, readDomain } from '../../model/domains.ts';
import { globFault } from '../../model/glob.ts';
import { isHost } from '../../model/names.ts';
import { plainly, shown } from '../report.ts';
import { suggestion } from '../nearest.ts';
import type { Value } from '../yaml/value.ts';
import { expectation, mismatch, refuseAt, textOf } from './expectation.ts';
import type { Kind, Located, Reading, Shape } from './shape.ts';

/** Text on one line, not empty. */
export const text: Shape<string> = {
  is: { kind: 'text' },
  read(value, at) {
    const found = textOf(value);
    if (found === null) return mismatch(value, at, this.is);
    if (found.trim() === '') return refuseAt(value, at, 'is empty');
    if (/\p{Cc}/u.test(found) || found.length > 300)
      return refuseAt(value, at, 'expected one line of text, of 300 characters at most');
    return found;
  },
};

/** Shell text. Empty is an answer: nothing is to be run. */
export const command: Shape<string> = {
  is: { kind: 'command' },
  read(value, at) {
    const found = textOf(value);
    if (found === null) return mismatch(value, at, this.is);
    if (found.includes('\0')) return refuseAt(value, at, 'a command cannot hold the character NUL');
    return found.trim();
  },
};

/** A path inside the source: `./apps/api/` becomes `apps/api`, the top `.`. */
export const path: Shape<string> = {
  is: { kind: 'path' },
  read(value, at) {
    const found = textOf(value);
    if (found === null) return mismatch(value, at, this.is);
    if (found.startsWith('/') || found.includes('\\') || /\p{Cc}/u.test(found))
      return refuseAt(value, at, `expected a path relative to the source, found ${shown(found)}`);
    const parts = found.split('/').filter((part) => part !== '' && part !== '.');
    if (parts.includes('..')) return refuseAt(value, at, `${shown(found)} leads out of the source`);
    return parts.length === 0 ? '.' : parts.join('/');
  },
};

/** The path of a URL, without a host. */
export const healthPath: Shape<string> = {
  is: { kind: 'text' },
  read(value, at) {
    const found = textOf(value);
    if (found === null) return mismatch(value, at, this.is);
    if (!/^\/[\x21-\x7e]*$/.test(found) || found.includes('#'))
      return refuseAt(value, at, `expected a path that begins with /, found ${shown(found)}`);
    return found;
  },
};

/** A name that visitors use (RFC 1123), in lower case. */
export const host: Shape<string> = {
  is: { kind: 'host' },
  read(value, at) {
    const found = textOf(value)?.trim().toLowerCase();
    if (found === undefined) return mismatch(value, at, this.is);
    return isHost(found)
      ? found
      : refuseAt(value, at, `expected ${expectation(this.is)}, without scheme, port or path, found ${shown(found)}`);
  },
};

/** A host name, or the part of it below a path. */
export const domain: Shape<string> = {
  is: { kind: 'domain' },
  read(value, at) {
    const found = textOf(value)?.trim();
    if (found === undefined) return mismatch(value, at, this.is);
    const read = readDomain(found);
    return read === null
      ? refuseAt(value, at, `expected ${expectation(this.is)}, without scheme or port, found ${shown(found)}`)
      : domainText(read);
  },
};

/** The value of a variable: numbers and booleans become the text that was written. */
/** A glob of paths in the repository. */
export const glob: Shape<string> = {
  is: { kind: 'glob' },
  read(value, at) {
    const found = text.read(value, at);
    const fault = found === undefined ? null : globFault(found);
    return fault === null ? found : refuseAt(value, at, `${shown(found ?? '')} is no glob: ${fault}`);
  },
};

export const scalar: Shape<string> = {
  is: { kind: 'scalar' },
  takesNothing: true,
  read(value, at) {
    if (value.kind !== 'scalar') return mismatch(value, at, this.is);
    if (value.value === null) return '';
    const found = typeof value.value === 'string' ? value.value : value.source;
    return found.includes('\0') ? refuseAt(value, at, 'a variable cannot hold the character NUL') : found;
  },
};

export const flag: Shape<boolean> = {
  is: { kind: 'flag' },
  read(value, at) {
    if (value.kind === 'scalar' && typeof value.value === 'boolean') return value.value;
    const meant = textOf(value)?.toLowerCase();
    if (meant === 'yes' || meant === 'no')
      return refuseAt(value, at, `expected true or false: in YAML 1.2 ${meant} is text`);
    return mismatch(value, at, this.is);
  },
};

/** Halves and the like too. */
export function number(min: number, max: number): Shape<number> {
  const is = { kind: 'number', min, max } as const;
  return {
    is,
    read(value, at) {
      if (value.kind !== 'scalar' || typeof value.value !== 'number') return numberInText(value, at, is);
      return value.value >= min && value.value <= max ? value.value : mismatch(value, at, is);
    },
  };
}

export function whole(min: number, max: number): Shape<number> {
  return wholeOf({ kind: 'whole', min, max, unit: null }, 1);
}

/** Seconds in the file, milliseconds in the spec. */
export function seconds(min: number, max: number): Shape<number> {
  return wholeOf({ kind: 'whole', min, max, unit: 's' }, 1000);
}

function wholeOf(is: Extract<Kind, { kind: 'whole' }>, times: number): Shape<number> {
  return {
    is,
    read(value, at) {
      if (value.kind !== 'scalar' || typeof value.value !== 'number') return numberInText(value, at, is);
      const found = value.value;
      if (!Number.isInteger(found) || found < is.min || found > is.max) return mismatch(value, at, is);
      return found * times;
    },
  };
}

function numberInText(value: Value, at: Reading, is: Kind): undefined {
  const found = textOf(value);
  if (found !== null && /^-?\d+$/.test(found.trim()))
    return refuseAt(
      value,
      at,
      `expected ${expectation(is)}, found text: remove the quotes around ${plainly(found.trim())}`,
    );
  return mismatch(value, at, is);
}

/** One of some words. `known` holds words that are understood and refused, with the reason. */
export function choice<const T extends string>(
  values: readonly T[],
  known: Readonly<Record<string, string>> = {},
): Shape<T> {
  const is = { kind: 'choice', values, later: Object.keys(known) } as const;
  return {
    is,
    read(value, at) {
      const found = value.kind === 'scalar' && value.value !== null ? value.source : null;
      if (found === null) return mismatch(value, at, is);
      const chosen = values.find((one) => one === found);
      if (chosen !== undefined) return chosen;
      const why = Object.hasOwn(known, found) ? known[found] : undefined;
      return refuseAt(
        value,
        at,
        why === undefined
          ? `expected ${expectation(is)}, found ${shown(found)}${suggestion(found, values)}`
          : `${found}: ${why}`,
      );
    },
  };
}

/** Each item by its own shape; items that are wrong are reported and left out. */
export function list<T>(of: Shape<T>): Shape<readonly T[]> {
  const is = { kind: 'list', of: of.is } as const;
  return {
    is,
    read(value, at) {
      if (value.kind !== 'list') return mismatch(value, at, is);
      return value.items.flatMap((item, index) => {
        const read = of.read(item, { ...at, path: `${at.path}[${index}]` });
        return read === undefined ? [] : [read];
      });
    },
  };
}

/** One without the dash of a list, or a list. */
export function oneOrMore<T>(of: Shape<T>): Shape<readonly T[]> {
  const all = list(of);
  return {
    is: { kind: 'one-or-more', of: of.is },
    read(value, at) {
      if (value.kind === 'list') return all.read(value, at);
      const read = of.read(value, at);
      return read === undefined ? undefined : [read];
    },
  };
}

/** One word that stands for a mapping without anything in it. */
export function wordOr<T, W>(word: string, meaning: W, of: Shape<T>): Shape<T | W> {
  const is = { kind: 'word-or', word, of: of.is } as const;
  return {
    is,
    read(value, at) {
      if (value.kind === 'map') return of.read(value, at);
      if (value.kind === 'scalar' && value.source === word) return meaning;
      return mismatch(value, at, is);
    },
  };
}

/** Keeps where the value stands, for what is only wrong beside another. */
export function located<T>(of: Shape<T>): Shape<Located<T>> {
  return {
    is: of.is,
    read(value, at) {
      const read = of.read(value, at);
      return read === undefined ? undefined : { value: read, place: { ...value.at, path: at.path } };
    },
  };
}
