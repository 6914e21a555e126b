/** A position in a text, from 1. */
export interface Spot {
  readonly line: number;
  readonly column: number;
}

/** A YAML text after aliases and merge keys: what the declaration is read from, with the position of each part. */
export type Value = ScalarValue | ListValue | MapValue;

export interface ScalarValue {
  readonly kind: 'scalar';
  readonly value: string | number | boolean | null;
  /** As it was written: `1.10` and not `1.1`. */
  readonly source: string;
  readonly at: Spot;
}

export interface ListValue {
  readonly kind: 'list';
  readonly items: readonly Value[];
  readonly at: Spot;
}

export interface MapValue {
  readonly kind: 'map';
  readonly entries: readonly Entry[];
  readonly at: Spot;
}

export interface Entry {
  readonly key: string;
  readonly keyAt: Spot;
  readonly value: Value;
}

export function entryOf(map: MapValue, key: string): Entry | undefined {
  return map.entries.find((entry) => entry.key === key);
}

/** What a value is, in the words of an error: `a list`, `the text "x"`, `true`. */
export function kindOf(value: Value): string {
  if (value.kind === 'list') return 'a list';
  if (value.kind === 'map') return 'a mapping';
  if (value.value === null) return 'nothing';
  return typeof value.value === 'string'
    ? 'text'
    : `the ${typeof value.value === 'number' ? 'number' : 'value'} ${value.source.slice(0, 40)}`;
}
