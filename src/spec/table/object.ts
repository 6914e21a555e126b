import type { Located, Field, Found, Reading, Shape, Table } from './shape.ts';
import { below } from './shape.ts';
import { mismatch } from './expectation.ts';
import { plainly } from '../report.ts';
import { nearest } from '../nearest.ts';
import type { Entry, MapValue, Value } from '../yaml/value.ts';

interface ObjectOptions {
  /** Names that begin with `x-` are the user's own: a place for anchors. */
  readonly extensions?: boolean;
}

/** A mapping with the fields of a table. `name` is what the manual calls it. */
export function object<T extends Table>(name: string, table: T, options: ObjectOptions = {}): Shape<Found<T>> {
  const is = { kind: 'object', table: name } as const;
  return {
    is,
    read(value, at) {
      return value.kind === 'map' ? readFields(value, { table, at, options }) : mismatch(value, at, is);
    },
  };
}

function readFields<T extends Table>(
  map: MapValue,
  input: { table: T; at: Reading; options: ObjectOptions },
): Found<T> {
  const { table, at } = input;
  const fields: Record<string, Located<unknown>> = {};
  for (const entry of map.entries) {
    const field = Object.hasOwn(table, entry.key) ? table[entry.key] : undefined;
    const read = field === undefined ? unknownField(entry, input) : readField(entry, field, at);
    if (read !== undefined) fields[entry.key] = read;
  }
  for (const [name, field] of Object.entries<Field<unknown>>(table)) {
    const path = below(at.path, name);
    const there = map.entries.some((entry) => entry.key === name && !isNothing(entry.value));
    if (field.required && !there && !at.report.refusedBelow(path)) at.report.refuse({ ...map.at, path }, 'is missing');
  }
  // The loop read each field by the shape of its own name, which is what Found says; TypeScript cannot follow a record filled by key.
  return { place: { ...map.at, path: at.path }, fields: fields as Found<T>['fields'] };
}

function readField(entry: Entry, field: Field<unknown>, at: Reading): Located<unknown> | undefined {
  const place = { ...entry.keyAt, path: below(at.path, entry.key) };
  if (isNothing(entry.value) && field.shape.takesNothing !== true) return undefined;
  if (field.support === 'yes') {
    const value = field.shape.read(entry.value, { ...at, path: place.path });
    return value === undefined ? undefined : { value, place };
  }
  if (isEmpty(entry.value) || field.harmless(entry.value)) return undefined;
  if (field.support === 'warn') at.report.ignore(place, field.says);
  else at.report.refuse(place, field.says);
  return undefined;
}

function unknownField(entry: Entry, input: { table: Table; at: Reading; options: ObjectOptions }): undefined {
  const { table, at, options } = input;
  if (options.extensions === true && entry.key.startsWith('x-')) return undefined;
  const place = { ...entry.keyAt, path: below(at.path, plainly(entry.key)) };
  const near = nearest(entry.key, Object.keys(table));
  at.report.refuse(
    place,
    `unknown field${near === null ? '' : `, did you mean ${near}?`}`,
    near === null ? undefined : below(at.path, near),
  );
  return undefined;
}

/** `field:` with nothing after it says nothing. */
function isNothing(value: Value): boolean {
  return value.kind === 'scalar' && value.value === null;
}

/** `databases: []` asks for no database. */
function isEmpty(value: Value): boolean {
  return (value.kind === 'list' && value.items.length === 0) || (value.kind === 'map' && value.entries.length === 0);
}
