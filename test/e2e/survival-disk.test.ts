import assert from 'node:assert/strict';
import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import type { StatusDocument } from '../../src/api/contract/types.ts';
import { hang } from '../patience.ts';
import { TestKapal } from './kapal.ts';
import { onlyOwned } from './install.ts';
import { ask, eventually, facesOf, shop } from './survival.ts';

const megabyte = 1024 * 1024;
/** The log store's own, and room for what is written but not yet trimmed. */
const storeLimit = (64 + 48) * megabyte;
/** What the files of one run may take (docs/reliability.md, Supervision), and room for those of the quiet ones. */
const outputLimit = (88 + 8) * megabyte;
const residentLimit = 300 * megabyte;
const flooded = 256 * megabyte;

describe('a program that prints as fast as it can', () => {
  test('memory and disk stay bounded, neighbours and commands answer', async () => {
    await using kapal = await TestKapal.start();
    await kapal.deploy(await kapal.project('shop', shop('shop')));
    const faces = await facesOf(kapal);
    const flood = {
      services: [
        {
          type: 'worker',
          name: 'flood',
          runtime: 'node',
          startCommand: `exec yes "${'x'.repeat(200)}"`,
          maxShutdownDelaySeconds: 2,
        },
      ],
    };
    await kapal.deploy(await kapal.project('flood', { 'kapal.yaml': JSON.stringify(flood), 'empty.js': '' }));

    const seen = { resident: 0, store: 0, output: 0, written: 0, slowest: 0 };
    const until = performance.now() + 2_000;
    // On a slow machine it takes longer until it is a flood.
    await eventually('two seconds are over, and it was a flood', async () => {
      const begun = performance.now();
      assert.equal((await kapal.visit('shop.localhost')).status, 200);
      const status = (await ask(kapal, '/status')).body as StatusDocument;
      seen.slowest = Math.max(seen.slowest, performance.now() - begun);
      seen.resident = Math.max(seen.resident, status.residentBytes);
      seen.store = Math.max(seen.store, sizeOf(join(kapal.data, 'logs')));
      seen.output = Math.max(seen.output, sizeOf(join(kapal.data, 'runs')));
      seen.written = Math.max(seen.written, printed(join(kapal.data, 'runs')));
      return performance.now() > until && seen.written > flooded;
    });
    assert.ok(seen.resident < residentLimit, `daemon: ${Math.round(seen.resident / megabyte)} MB`);
    assert.ok(seen.store < storeLimit, `log store: ${Math.round(seen.store / megabyte)} MB`);
    assert.ok(seen.output < outputLimit, `output files: ${Math.round(seen.output / megabyte)} MB`);
    assert.ok(seen.slowest < hang, `the slowest answer took ${Math.round(seen.slowest)} ms`);

    const lines = JSON.parse((await kapal.run('logs', 'flood', '-n', '5', '--json')).stdout) as unknown[];
    assert.equal(lines.length, 5);
    assert.equal((await kapal.run('stop', 'flood')).code, 0);
    assert.deepEqual(
      (await facesOf(kapal)).filter((face) => face.startsWith('shop')),
      faces,
    );
    await onlyOwned(kapal);
  });
});

/** Bytes that all files below a folder take on disk. */
function sizeOf(folder: string): number {
  return filesIn(folder).reduce((sum, path) => sum + (statSync(path, { throwIfNoEntry: false })?.blocks ?? 0) * 512, 0);
}

/** Bytes that one run has printed at least: its later files are named by how many came before. */
function printed(runs: string): number {
  return Math.max(0, ...filesIn(runs).map((path) => Number(/\/log\.(\d+)$/.exec(path)?.[1] ?? 0)));
}

function filesIn(folder: string): string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name));
}
