import assert from 'node:assert/strict';
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, test } from 'node:test';
import { findBetter } from '../../../src/build/host/optional.ts';
import type { BetterWay } from '../../../src/model/build-recipe.ts';

/** Programs of names that no machine has. */
const way: BetterWay = {
  programs: [
    {
      program: 'kapal-test-fpm',
      packages: ['test-fpm'],
      variable: 'FPM',
      version: { args: ['-v'], asks: { kind: 'same', program: 'kapal-test-php' } },
    },
    {
      program: 'kapal-test-front',
      packages: ['test-front'],
      variable: 'FRONT',
      version: { args: ['-v'], asks: { kind: 'range', range: '>=1.19.5' } },
      part: { args: ['part'], name: 'its part' },
    },
  ],
  present: 'Both are there.',
  absent: 'Something is missing.',
};

describe('a better way of serving', () => {
  let folder: string;
  beforeEach(() => (folder = mkdtempSync(join(tmpdir(), 'kapal-optional-'))));
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  const program = (name: string, version: string, more = ''): void => {
    writeFileSync(join(folder, name), `#!/bin/sh\n${more}\necho "${name} ${version} (2026)"\n`);
    chmodSync(join(folder, name), 0o755);
  };
  const find = () => findBetter(way, `${folder}:/usr/bin:/bin`);

  test('is taken where all programs are there: of several the one whose version fits', async () => {
    program('kapal-test-php', '8.2.36');
    program('kapal-test-fpm', '7.4.1');
    program('kapal-test-fpm8.1', '8.1.9');
    program('kapal-test-fpm8.2', '8.2.36');
    program('kapal-test-fpm-tool', '8.2.36');
    program('kapal-test-front', '1.22.1');
    assert.deepEqual(await find(), {
      environment: { FPM: join(folder, 'kapal-test-fpm8.2'), FRONT: join(folder, 'kapal-test-front') },
      note: { isWarning: false, text: 'Both are there.' },
    });
  });

  const missing: readonly (readonly [what: string, prepare: () => void, words: RegExp])[] = [
    [
      'nothing is there',
      () => undefined,
      /^Something is missing\. This machine has no kapal-test-fpm in the version of kapal-test-php or kapal-test-front with its part: sudo apt-get install test-fpm test-front /,
    ],
    [
      'it is of another version than its twin',
      () => {
        program('kapal-test-php', '8.2.36');
        program('kapal-test-fpm8.1', '8.1.9');
        program('kapal-test-front', '1.22.1');
      },
      /no kapal-test-fpm in the version of kapal-test-php: sudo apt-get install test-fpm /,
    ],
    [
      'it is too old',
      () => {
        program('kapal-test-php', '8.2.36');
        program('kapal-test-fpm', '8.2.36');
        program('kapal-test-front', '1.18.0');
      },
      /no kapal-test-front with its part: sudo apt-get install test-front /,
    ],
    [
      'it lacks a part',
      () => {
        program('kapal-test-php', '8.2.36');
        program('kapal-test-fpm', '8.2.36');
        program('kapal-test-front', '1.22.1', '[ "$1" != part ] || exit 1');
      },
      /no kapal-test-front with its part: /,
    ],
  ];
  for (const [what, prepare, words] of missing)
    test(`is not where ${what}`, async () => {
      prepare();
      const { environment, note } = await find();
      assert.deepEqual([environment, note.isWarning], [{}, true]);
      assert.match(note.text, words);
    });
});
