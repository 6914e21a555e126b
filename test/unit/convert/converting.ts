import assert from 'node:assert/strict';
import type { Converted } from '../../../src/convert/import/importer.ts';
import { importers } from '../../../src/convert/import/importers.ts';
import { noteLine, type NoteKind } from '../../../src/spec/draft/note.ts';
import { KapalError } from '../../../src/model/errors.ts';
import type { Spec } from '../../../src/spec/spec.ts';
import { read, sourceOf, type Tree } from '../spec/source.ts';

export type Source = keyof typeof importers;

/** What makes a folder one that Node runs. */
export const node: Tree = { 'package.json': '{"scripts":{"start":"node server.js"}}' };

export interface Importing {
  readonly tree: Tree;
  /** Unless told, the first file of the tree. */
  readonly file?: string;
  readonly evaluated?: unknown;
}

export function importing(from: Source, { tree, file = Object.keys(tree)[0] ?? '', evaluated }: Importing): Converted {
  const files = sourceOf({ ...node, ...tree });
  return importers[from].convert({
    files,
    deployed: files,
    file,
    evaluated,
    project: 'shop',
    folder: '/srv/shop',
    processors: 4,
  });
}

/** What a deploy of the imported declaration would read, which must warn of nothing that the notes did not say. */
export function specOf(converted: Converted, tree: Tree = {}): Spec {
  const spec = read({ ...node, ...tree, 'kapal.yaml': converted.declaration });
  const said = new Set(converted.notes.map(({ message }) => message));
  for (const { message } of spec.warnings)
    assert.ok(
      [...said].some((one) => message.endsWith(one)),
      message,
    );
  return spec;
}

/** Notes of one kind, as they are printed. */
export function notesOf({ notes }: Converted, kind: NoteKind): readonly string[] {
  return notes.filter((note) => note.kind === kind).map(noteLine);
}

export function refusalOf(work: () => unknown): KapalError {
  try {
    work();
  } catch (error) {
    assert.ok(error instanceof KapalError, error instanceof Error ? error.stack : String(error));
    return error;
  }
  return assert.fail('nothing was refused');
}
