import { entryOf, type MapValue, type Value } from '../yaml/value.ts';
import type { Draft, DraftVariable, ServiceDraft } from '../draft/draft.ts';
import type { Notes, Origin } from '../draft/note.ts';
import { type FieldTable, readFields, scalarOf, wrongKind } from '../draft/reading.ts';
import type { SourceFolder } from '../language/source-folder.ts';

/** The app that an app.json speaks of, while it is read. */
export interface App {
  readonly draft: Draft;
  /** As it is named in the source. */
  readonly file: string;
  /** By the name that the Procfile gives them; `web` alone where there is none. */
  readonly processes: ReadonlyMap<string, ServiceDraft>;
  /** What a deploy would see. */
  readonly folder: SourceFolder;
  /** Every process of an app has the same variables, and so have its jobs. */
  readonly variables: Map<string, DraftVariable>;
}

/** The process that visitors reach, or else the first. */
export function mainOf({ processes }: App): ServiceDraft | undefined {
  return processes.get('web') ?? [...processes.values()][0];
}

/** The scalar at a field of a mapping, as text; null where there is none. */
export function textAt(map: MapValue, key: string): string | null {
  const entry = entryOf(map, key);
  return entry === undefined ? null : scalarOf(entry.value);
}

export interface Inner<Context> {
  readonly table: FieldTable<Context>;
  readonly context: Context;
  readonly app: App;
  /** Where it stands, from the top of the file; also what it is called in a note. */
  readonly path: string;
  readonly whole?: readonly string[];
}

/** A mapping below the top, every entry by the table. */
export function readInner<Context>(map: MapValue, { app, path, ...inner }: Inner<Context>): void {
  const tool = path.replace(/\[\d+\]$/, '');
  readFields(map, { ...inner, notes: app.draft.notes, file: app.file, path, tool });
}

/** Whatever is not of the kind is refused by name. */
export function asMap(value: Value, origin: Origin, { notes, of }: { notes: Notes; of: string }): MapValue | null {
  if (value.kind === 'map') return value;
  wrongKind(notes, origin, { expected: `a mapping of ${of}`, value });
  return null;
}

export function asList(
  value: Value,
  origin: Origin,
  { notes, of }: { notes: Notes; of: string },
): readonly Value[] | null {
  if (value.kind === 'list') return value.items;
  wrongKind(notes, origin, { expected: `a list of ${of}`, value });
  return null;
}
