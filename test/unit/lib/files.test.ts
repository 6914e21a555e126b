import assert from 'node:assert/strict';
import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { sweepTemporaries, writeDurably } from '../../../src/lib/files.ts';

test('what a killed process had not renamed goes; everything else stays', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'kapal-test-files-'));
  try {
    await mkdir(join(folder, 'below', 'deeper'), { recursive: true });
    await writeDurably(join(folder, 'table.json'), '{}');
    const left = '.0123456789abcdef.tmp';
    for (const path of [left, 'notes.tmp', '.short.tmp', `below/${left}`, `below/deeper/${left}`])
      await writeFile(join(folder, path), 'a part');
    await sweepTemporaries(folder);
    await sweepTemporaries(join(folder, 'not there'));
    assert.deepEqual((await readdir(folder, { recursive: true })).toSorted(), [
      '.short.tmp',
      'below',
      'below/deeper',
      `below/deeper/${left}`,
      'notes.tmp',
      'table.json',
    ]);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
});
