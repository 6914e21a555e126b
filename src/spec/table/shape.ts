import type { ServiceType } from '../../model/service.ts';
import type { Place, Report } from '../report.ts';
import type { Value } from '../yaml/value.ts';

/** What a field takes, as data: the manual is written from it, and errors say it by `expectation`. */
export type Kind =
  | { readonly kind: 'text' | 'command' | 'path' | 'glob' | 'host' | 'domain' | 'address' | 'scalar' | 'flag' | 'any' }
  | { readonly kind: 'schedule' | 'time-zone' | 'mount-path' }
  | { readonly kind: 'network' | 'header' | 'headers' | 'client' | 'pattern' | 'destination' | 'url-path' }
  | { readonly kind: 'number'; readonly min: number; readonly max: number }
  | { readonly kind: 'whole'; readonly min: number; readonly max: number; readonly unit: 's' | null }
  | { readonly kind: 'size'; readonly min: number }
  /** `later` holds words that are understood and refused by name. */
  | { readonly kind: 'choice'; readonly values: readonly string[]; readonly later: readonly string[] }
  | { readonly kind: 'list'; readonly of: Kind }
  /** One word, or a mapping that says more. */
  | { readonly kind: 'word-or'; readonly word: string; readonly of: Kind }
  /** One, or a list of them. */
  | { readonly kind: 'one-or-more'; readonly of: Kind }
  | { readonly kind: 'object'; readonly table: string };

/** Where a value is read, and who is told what is wrong with it. */
export interface Reading {
  readonly path: string;
  readonly report: Report;
}

/** Turns a value into what it means, or reports why not and answers `undefined`. */
export interface Shape<T> {
  readonly is: Kind;
  /** Nothing after the colon is a value of its own; elsewhere it is the same as no field. */
  readonly takesNothing?: boolean;
  read(value: Value, at: Reading): T | undefined;
}

/** One field of the declaration: the schema, the errors and the manual are all made from this. */
export interface Field<T> {
  readonly shape: Shape<T>;
  /** `yes`: honoured. `warn`: read past with a warning. `later`: refused by name. */
  readonly support: 'yes' | 'warn' | 'later';
  /** What it does; for `warn` why it has no effect, for `later` what this version lacks and what to do instead. */
  readonly says: string;
  /** Render's Blueprint knows it, or it is Kapal's own. */
  readonly of: 'render' | 'kapal';
  readonly required: boolean;
  /** As the manual prints it; `null` without one. */
  readonly fallback: string | null;
  /** Where it has a meaning; `null` everywhere. */
  readonly types: readonly ServiceType[] | null;
  /** For a type where it has none: Render takes most fields anywhere, so most are only warned about. */
  readonly elsewhere: 'warn' | 'refuse';
  /** Values of a refused or ignored field that ask for nothing, and so are let pass. */
  readonly harmless: (value: Value) => boolean;
}

export type Table = Readonly<Record<string, Field<unknown>>>;

/** A value that was read, and where: for what is only wrong beside another. */
export interface Located<T> {
  readonly value: T;
  readonly place: Place;
}

type Meaning<F> = F extends Field<infer T> ? T : never;

/** The honoured fields of an object that were there and sound. */
export interface Found<T extends Table> {
  readonly place: Place;
  readonly fields: { readonly [K in keyof T]?: Located<Meaning<T[K]>> };
}

type More<T> = Partial<Pick<Field<T>, 'of' | 'required' | 'fallback' | 'types' | 'elsewhere' | 'harmless'>>;

const plain = {
  of: 'render',
  required: false,
  fallback: null,
  types: null,
  elsewhere: 'warn',
  harmless: () => false,
} as const;

export function honoured<T>(shape: Shape<T>, says: string, more: More<T> = {}): Field<T> {
  return { ...plain, ...more, shape, says, support: 'yes' };
}

/** A field of Kapal's own: where it has no meaning it is a mistake. */
export function own<T>(shape: Shape<T>, says: string, more: More<T> = {}): Field<T> {
  return { ...plain, of: 'kapal', elsewhere: 'refuse', ...more, shape, says, support: 'yes' };
}

export function ignored(says: string, more: More<never> = {}): Field<never> {
  return { ...plain, ...more, shape: anything, says, support: 'warn' };
}

export function refused(says: string, more: More<never> = {}): Field<never> {
  return { ...plain, ...more, shape: anything, says, support: 'later' };
}

/** Values of ignored and refused fields are not looked at. */
const anything: Shape<never> = { is: { kind: 'any' }, read: () => undefined };

/** Places a child below a path: `services[0]` and `name` make `services[0].name`. */
export function below(path: string, name: string): string {
  return path === '' ? name : `${path}.${name}`;
}
