import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { languages } from '../../../scripts/spec-docs/languages.ts';
import { indonesianTexts } from '../../../scripts/spec-docs/indonesian.ts';
import { pages, renewed, saidTexts } from '../../../scripts/spec-docs/pages.ts';
import { read } from './source.ts';

const top = join(import.meta.dirname, '../../..');

describe('the manual of the declaration', () => {
  for (const { file, language } of pages) {
    const page = readFileSync(join(top, file), 'utf8');
    test(`${file} has the tables of today: run scripts/write-spec-docs.ts`, () => {
      assert.equal(page, renewed(page, language));
    });

    test(`the example of ${file} is a declaration without fault or warning`, () => {
      const example = /\n\n( {4}project:[\s\S]*?\n)(?=\n## )/.exec(page)?.[1]?.replace(/^ {4}/gm, '');
      assert.ok(example !== undefined);
      const folders = { 'site/a': '', 'situs/a': '' };
      assert.deepEqual(read({ 'kapal.yaml': example, ...folders }).warnings, []);
    });
  }

  for (const { file } of pages)
    test(`the parts of a declaration in ${file} are sound`, () => {
      const page = readFileSync(join(top, file), 'utf8');
      const blocks = [...page.matchAll(/\n\n((?: {4}.*\n)+)/g)].map(([, block = '']) => block);
      const whole = blocks
        .filter((block) => block.startsWith('    services:'))
        .map((block) => block.replace(/^ {4}/gm, ''));
      const parts = blocks.filter((block) => /^ {4}(?:edge|routes):/.test(block));
      const wrapped = parts.map((part) => {
        const type = part.startsWith('    edge:') ? 'web, startCommand: x' : 'static, staticPublishPath: .';
        return `services:\n  - <<: {type: ${type}}\n    name: api\n${part}`;
      });
      assert.ok(whole.length >= 2 && wrapped.length >= 4);
      for (const text of [...whole, ...wrapped]) assert.deepEqual(read({ 'kapal.yaml': text }).warnings, [], text);
    });

  test('is whole in Bahasa Indonesia, and says nothing that is not said any more', () => {
    for (const text of saidTexts()) assert.ok(languages.indonesian.says(text) !== '');
    const said = new Set(saidTexts());
    assert.deepEqual(
      [...indonesianTexts.keys()].filter((text) => !said.has(text)),
      [],
    );
  });
});
