import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { availableMemory } from '../../src/daemon/memory.ts';
import { KapalError } from '../../src/model/errors.ts';
import { until } from '../patience.ts';
import { type SimulatedKapal, simulatedKapal } from './engine/simulated-kapal.ts';

const yaml = (name: string) =>
  `project: ${name}\nservices:\n  - {type: web, name: ${name}, runtime: node, buildCommand: make, startCommand: node x.js}\n`;

/** What is said of a deploy's stages from now to its end. */
async function said(kapal: SimulatedKapal, operation: string): Promise<string[]> {
  const lines: string[] = [];
  for await (const event of kapal.engine.follow(operation, AbortSignal.timeout(60_000)))
    if (event.kind === 'stage') lines.push(event.message);
  return lines;
}

const running = (kapal: SimulatedKapal) => kapal.store.operations.running().map(({ id }) => id);

describe('the memory floor', () => {
  test('the kernel tells it here, in bytes', async () => {
    const seen = await availableMemory();
    assert.ok(seen !== null && seen.total > 2 ** 27 && seen.available > 0 && seen.available <= seen.total);
    assert.equal(await availableMemory('/proc/version'), null, 'what tells nothing is no reading of zero');
    assert.equal(await availableMemory('/proc/there-is-no-such-file'), null);
  });

  test('a deploy is refused with what is there, what is to stay and what to do, and runs when memory is back', async () => {
    await using kapal = await simulatedKapal({
      behaviour: (run) => (run.id.startsWith('build-') ? { endsAfter: 20, listensAfter: null } : {}),
    });
    await kapal.saysMemory(4_096, 204);
    await assert.rejects(kapal.deploy(yaml('api')), (error: unknown) => {
      assert.ok(error instanceof KapalError);
      assert.equal(error.code, 'memory_low');
      assert.equal(
        error.message,
        'no build is begun: only 204 MiB of 4.0 GiB of memory are available, and 204 MiB are to stay free',
      );
      assert.match(error.hint ?? '', /Stop or scale down something, or deploy again/);
      return true;
    });
    assert.deepEqual(kapal.store.services.all(), [], 'nothing of it is on record');
    await kapal.saysMemory(65_536, 255);
    await assert.rejects(kapal.deploy(yaml('api')), /only 255 MiB of 64\.0 GiB .* 256 MiB are to stay free/);
    await kapal.saysMemory(65_536, 257);
    assert.equal((await kapal.deploy(yaml('api'))).services[0]?.outcome, 'live');
  });

  test('a build whose turn comes when memory is short does not begin, and what ran goes on', async () => {
    let builds = 0;
    await using kapal = await simulatedKapal({
      buildSlots: 1,
      behaviour: (run) => {
        if (!run.id.startsWith('build-')) return {};
        builds += 1;
        return { endsAfter: 400, listensAfter: null };
      },
    });
    await kapal.saysMemory(4_096, 3_000);
    const first = kapal.deploy(yaml('one'));
    await until('the first is built', () => builds === 1);
    const [built] = running(kapal);
    const second = kapal.deploy(yaml('two'));
    await until('the second is taken', () => running(kapal).length === 2);
    const lines = said(kapal, running(kapal).find((id) => id !== built) ?? '');
    await kapal.saysMemory(4_096, 100);
    assert.equal((await first).services[0]?.outcome, 'live', 'what was begun is not ended');
    const [refused] = (await second).services;
    assert.equal(refused?.outcome, 'failed');
    assert.equal(refused.error?.code, 'memory_low');
    assert.match(refused.error.message, /only 100 MiB of 4\.0 GiB/);
    assert.ok((await lines).includes('waits for 1 build to end'));
    assert.equal(builds, 1);
    await kapal.saysMemory(4_096, 3_000);
    assert.equal((await kapal.deploy(yaml('two'))).services[0]?.outcome, 'live');
  });
});
