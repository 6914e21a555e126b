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
/** Of what was written so much may be on disk at once: the kernel frees a gigabyte in about a third of a second, while as much is written. */
const keptPart = 0.4;
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
      seen.store = Math.max(seen.store, sizeOf(join(kapal.data, 'logs')).allocated);
      const output = sizeOf(join(kapal.data, 'runs'));
      seen.output = Math.max(seen.output, output.allocated);
      seen.written = Math.max(seen.written, output.written);
      return performance.now() > until && seen.written > flooded;
    });
    assert.ok(seen.resident < residentLimit, `daemon: ${Math.round(seen.resident / megabyte)} MB`);
    assert.ok(seen.store < storeLimit, `log store: ${Math.round(seen.store / megabyte)} MB`);
    assert.ok(
      seen.output < Math.max(flooded, seen.written * keptPart),
      `output files: ${Math.round(seen.output / megabyte)} MB of ${Math.round(seen.written / megabyte)} MB`,
    );
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

/** Of all files below a folder: bytes that they take on disk, where holes count nothing, and bytes that were ever written to them. */
function sizeOf(folder: string): { allocated: number; written: number } {
  const files = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  const stats = files.flatMap((entry) => statSync(join(entry.parentPath, entry.name), { throwIfNoEntry: false }) ?? []);
  return {
    allocated: stats.reduce((sum, { blocks }) => sum + blocks * 512, 0),
    written: stats.reduce((sum, { size }) => sum + size, 0),
  };
}
