/** Renews the tables of the declaration's manual. Run it after a change of src/spec/table; a test fails when it was forgotten. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pages, renewed } from './spec-docs/pages.ts';

const top = join(import.meta.dirname, '..');
for (const { file, language } of pages) {
  const path = join(top, file);
  const before = readFileSync(path, 'utf8');
  const after = renewed(before, language);
  if (after !== before) writeFileSync(path, after);
  console.log(`${file}: ${after === before ? 'up to date' : 'written'}`);
}
