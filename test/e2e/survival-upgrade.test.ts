import assert from 'node:assert/strict';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { commented, writeVersion } from '../integration/edge-version.ts';
import { onlyOwned, processesOf } from './install.ts';
import { checkout, TestKapal } from './kapal.ts';
import { answers, eventually, facesOf, shop, visitor } from './survival.ts';

/** Pids of what takes connections from the public. */
function workersOf(kapal: TestKapal): number[] {
  const isPublic = kapal.edge === 'nginx' ? /^nginx: worker process$/ : /worker\.ts/;
  return processesOf(kapal)
    .filter(({ role, command }) => role === 'edge' && isPublic.test(command))
    .map(({ pid }) => pid);
}

for (const engine of ['embedded', 'nginx'] as const)
  describe(`an upgrade of Kapal, with the ${engine} engine`, () => {
    test('another version takes over what runs, and back again: nobody is refused, no instance restarts', async () => {
      await using kapal = await TestKapal.prepare();
      kapal.edge = engine;
      const next = join(kapal.folder, 'kapal-next');
      writeVersion(next, commented('the next version'));
      await kapal.up();
      await kapal.deploy(await kapal.project('shop', shop('shop')));
      await answers(kapal, 'shop.localhost');
      const faces = await facesOf(kapal);
      await using visits = visitor(kapal, 'shop.localhost');
      for (const version of [next, checkout]) {
        const before = workersOf(kapal);
        assert.equal(before.length, 2);
        assert.equal((await kapal.run('down')).code, 0);
        kapal.version = version;
        await kapal.up();
        await eventually('others have taken over, and the ones before have ended', () => {
          const now = workersOf(kapal);
          return now.length === 2 && !now.some((pid) => before.includes(pid));
        });
      }
      const { requests, failures } = await visits.stop();
      assert.ok(requests > 10);
      assert.deepEqual(failures, []);
      assert.deepEqual(await facesOf(kapal), faces);
      await onlyOwned(kapal);
    });
  });
