import assert from 'node:assert/strict';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { KapalError } from '../../../src/model/errors.ts';
import { read } from '../../unit/spec/source.ts';

const folder = join(import.meta.dirname, 'fixtures');
/** What stands beside each case: two packages for those that are monorepos. */
const beside = {
  'apps/api/package.json': '{"scripts":{"start":"node server.js"}}',
  'apps/web/package.json': '{"scripts":{"build":"vite build"},"devDependencies":{"vite":"7.0.0"}}',
};

/** What a user is told of a file: the error whole, or the warnings and what was understood. KAPAL_GOLDEN=write renews the files. */
describe('golden declarations', () => {
  for (const name of readdirSync(folder).filter((file) => file.endsWith('.yaml'))) {
    test(name, () => {
      const expected = join(folder, name.replace(/\.yaml$/, '.txt'));
      const text = told(
        name.startsWith('render') ? 'render.yaml' : 'kapal.yaml',
        readFileSync(join(folder, name), 'utf8'),
      );
      if (process.env['KAPAL_GOLDEN'] === 'write') writeFileSync(expected, text);
      assert.equal(text, readFileSync(expected, 'utf8'));
    });
  }
});

function told(file: string, text: string): string {
  try {
    const { warnings, ...spec } = read({ [file]: text, ...beside });
    const lines = warnings.map(
      (warning) => `warning: ${warning.file}:${warning.line}:${warning.column}: ${warning.message}\n`,
    );
    return `${lines.join('')}${JSON.stringify(spec, null, 1)}\n`;
  } catch (error) {
    if (!(error instanceof KapalError)) throw error;
    return `${error.code}\n${error.message}\nhint: ${error.hint}\n`;
  }
}
