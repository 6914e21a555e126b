import { type Document, isAlias, isMap, isSeq, LineCounter, parseDocument, visit } from 'yaml';
import { readMap } from '../../spec/yaml/map.ts';
import type { MapValue } from '../../spec/yaml/value.ts';
import { Notes, type Origin } from '../../spec/draft/note.ts';
import type { Converted, Importer, ImportInput } from './importer.ts';
import { settle } from '../../spec/draft/settle.ts';
import { type Written, writtenValue } from '../../spec/draft/written.ts';

/** Render's Blueprint. kapal.yaml takes its fields as they are, so the text stays, comments too, and only what the reader refuses or reads past goes. */
export const render: Importer = {
  files: ['render.yaml', 'render.yml'],
  evaluates: () => false,
  convert(input: ImportInput): Converted {
    const { file, files } = input;
    const notes = new Notes();
    const text = files.read(file) ?? '';
    const value = readMap(text, file);
    return settle({ written: written(text, { file, value, notes }), notes, files: input.deployed, file });
  },
};

interface Source {
  readonly file: string;
  readonly value: MapValue;
  readonly notes: Notes;
}

/** With aliases in it, taking a part out may take away what another part names: then the plain values are written. */
function written(text: string, { file, value, notes }: Source): Written {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, merge: true, logLevel: 'error' });
  const alias = firstAlias(document);
  if (alias === null) return { document, originOf: originsOf(document, { lines, file }) };
  const { line, col } = lines.linePos(alias);
  notes.warn(
    { file, field: '', line, column: col },
    'anchors and aliases are written out, and comments are lost with them',
  );
  return writtenValue(value, file);
}

function firstAlias(document: Document): number | null {
  let found: number | null = null;
  visit(document, {
    Alias(_, node) {
      found = node.range?.[0] ?? 0;
      return visit.BREAK;
    },
  });
  return found;
}

/** Where each part of the text stands, by its node or pair. */
function originsOf(document: Document, { lines, file }: { lines: LineCounter; file: string }): Written['originOf'] {
  const origins = new WeakMap<object, Origin>();
  const note = (part: object, from: { field: string; offset: number }): void => {
    const { line, col } = lines.linePos(from.offset);
    origins.set(part, { file, field: from.field, line, column: col });
  };
  const walk = (node: unknown, path: string): void => {
    if (!isMap(node) && !isSeq(node)) return;
    note(node, { field: path, offset: node.range?.[0] ?? 0 });
    if (isSeq(node)) {
      for (const [index, item] of node.items.entries()) walk(item, `${path}[${index}]`);
      return;
    }
    for (const pair of node.items) {
      const { key } = pair;
      const name = typeof key === 'object' && key !== null && 'value' in key ? String(key.value) : '';
      const below = path === '' ? name : `${path}.${name}`;
      const range =
        typeof key === 'object' && key !== null && 'range' in key && Array.isArray(key.range) ? key.range : [];
      const [offset] = range as readonly unknown[];
      note(pair, { field: below, offset: typeof offset === 'number' ? offset : 0 });
      if (!isAlias(pair.value)) walk(pair.value, below);
    }
  };
  walk(document.contents, '');
  return (part) => (typeof part === 'object' && part !== null ? origins.get(part) : undefined);
}
