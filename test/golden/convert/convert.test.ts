import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { exporters } from '../../../src/convert/export/exporters.ts';
import type { Exporter } from '../../../src/convert/export/exporter.ts';
import { noteLine } from '../../../src/spec/draft/note.ts';
import { importing, node, type Source, specOf } from '../../unit/convert/converting.ts';
import { read, type Tree } from '../../unit/spec/source.ts';

const fixtures = join(import.meta.dirname, 'fixtures');

/** Compares with the file; KAPAL_GOLDEN=write writes it instead. */
function golden(path: string, text: string): void {
  if (process.env['KAPAL_GOLDEN'] === 'write') writeFileSync(path, text);
  assert.equal(text, existsSync(path) ? readFileSync(path, 'utf8') : '');
}

function treeOf(name: string): Tree {
  const folder = join(fixtures, name);
  const files = readdirSync(folder).filter((file) => !file.startsWith('expected'));
  return { ...node, ...Object.fromEntries(files.map((file) => [file, readFileSync(join(folder, file), 'utf8')])) };
}

const sources: readonly (readonly [Source, file: string])[] = [
  ['render', 'render.yaml'],
  ['procfile', 'Procfile'],
  ['heroku', 'app.json'],
  ['compose', 'compose.yaml'],
  ['pm2', 'ecosystem.json'],
];

describe('what is imported, and what is said of each field', () => {
  for (const [from, file] of sources) {
    test(from, () => {
      const converted = importing(from, { tree: treeOf(from), file });
      specOf(converted);
      const notes = converted.notes.map((note) => `${note.kind}: ${noteLine(note)}\n`).join('');
      golden(join(fixtures, from, 'expected.txt'), `${notes}\n${converted.declaration}`);
    });
  }
});

describe('what a declaration is written as', () => {
  const spec = read({ ...treeOf('shop'), 'jobs/package.json': '{}', 'site/index.html': '' });
  for (const [to, write] of Object.entries<Exporter>(exporters)) {
    test(to, () => {
      const { files, notes } = write(spec);
      const texts = files.map(({ path, text }) => `==== ${path}\n${text}`).join('\n');
      const said = notes.map(({ kind, field, message }) => `${kind}: ${field}: ${message}\n`).join('');
      golden(join(fixtures, 'shop', `expected.${to}.txt`), `${said}\n${texts}`);
    });
  }

  test('no value that may be a secret is in any of them', () => {
    for (const write of Object.values<Exporter>(exporters)) {
      const { files, notes } = write(spec);
      assert.doesNotMatch(JSON.stringify([files, notes]), /u:p@h/);
    }
  });
});
