import type { Entry, MapValue, Value } from '../yaml/value.ts';
import { kindOf } from '../yaml/value.ts';
import type { Notes, Origin } from './note.ts';

/** Reads a mapping of another tool's: each field by its own reader, and none is passed over. */
export interface FieldReader<Context> {
  (value: Value, origin: Origin, context: Context): void;
}

/** A field that is not carried: `warn` where something differs, `refuse` where it is lost, `mention` where it asks for nothing; with what to know or to do. */
export type Unread = { readonly warn: string } | { readonly refuse: string } | { readonly mention: string };

export type FieldTable<Context> = Readonly<Record<string, FieldReader<Context> | Unread>>;

export interface FieldsInput<Context> {
  readonly table: FieldTable<Context>;
  readonly context: Context;
  readonly notes: Notes;
  readonly file: string;
  /** Of the mapping: `services.api`. */
  readonly path: string;
  /** What the tool is called, for a field that nobody knows. */
  readonly tool: string;
  /** Fields that are read together, as the whole of the mapping: of each by itself nothing is said. */
  readonly whole?: readonly string[];
}

/** Every entry by the table; one that is not in it is refused by name. Names that begin with `x-` are the user's own. */
export function readFields<Context>(map: MapValue, input: FieldsInput<Context>): void {
  for (const entry of map.entries) {
    if (entry.key.startsWith('x-') || input.whole?.includes(entry.key) === true) continue;
    const origin = originOf(entry, input);
    const known = Object.hasOwn(input.table, entry.key) ? input.table[entry.key] : undefined;
    if (known === undefined)
      input.notes.refuse(origin, `is no field of ${input.tool} that Kapal knows: it is left out`);
    else if (typeof known === 'function') {
      input.notes.handle(origin);
      known(entry.value, origin, input.context);
    } else if ('warn' in known) input.notes.warn(origin, known.warn);
    else if ('mention' in known) input.notes.mention(origin, known.mention);
    else input.notes.refuse(origin, known.refuse);
  }
}

export function originOf(entry: Entry, { file, path }: { file: string; path: string }): Origin {
  return {
    file,
    field: path === '' ? entry.key : `${path}.${entry.key}`,
    line: entry.keyAt.line,
    column: entry.keyAt.column,
  };
}

export function originAt(value: Value, { file, field }: { file: string; field: string }): Origin {
  return { file, field, line: value.at.line, column: value.at.column };
}

/** Text, or a number or a flag as it was written; `null` for all else. */
export function scalarOf(value: Value): string | null {
  if (value.kind !== 'scalar' || value.value === null) return null;
  return typeof value.value === 'string' ? value.value : value.source;
}

/** A whole number of 0 and more, in figures or in quotes. */
export function countOf(value: Value): number | null {
  const text = scalarOf(value);
  return text !== null && /^\d{1,9}$/.test(text) ? Number(text) : null;
}

export function wrongKind(notes: Notes, origin: Origin, { expected, value }: { expected: string; value: Value }): void {
  notes.refuse(origin, `expected ${expected}, found ${kindOf(value)}: it is left out`);
}
