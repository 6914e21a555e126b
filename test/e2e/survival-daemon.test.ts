import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { TestKapal } from './kapal.ts';
import { isAlive, leftovers, onlyOwned, processesOf, send } from './install.ts';
import { eventually, facesOf, shop, visitor } from './survival.ts';

describe('the daemon goes, the apps stay', () => {
  test('SIGKILL, SIGTERM and down at rest: visitors notice nothing, the next daemon adopts everything; down --apps ends everything', async () => {
    await using kapal = await TestKapal.start();
    await kapal.deploy(await kapal.project('shop', shop('shop', ['numInstances: 2'])));
    const before = await facesOf(kapal);
    assert.equal(before.length, 2);
    await using visits = visitor(kapal, 'shop.localhost');

    for (const end of ['SIGKILL', 'SIGTERM', 'down'] as const) {
      await endDaemon(kapal, end);
      assert.equal((await kapal.run('ps')).code, 3, 'no daemon answers');
      assert.equal((await kapal.visit('shop.localhost')).status, 200);
      await kapal.up();
      assert.deepEqual(await facesOf(kapal), before, `the same processes after ${end}`);
    }
    const { requests, failures } = await visits.stop();
    assert.ok(requests > 100);
    assert.deepEqual(failures, []);
    await onlyOwned(kapal);

    await kapal.deploy(await kapal.project('site', { 'index.html': 'hello' }));
    const release = (await kapal.service('shop')).release;
    assert.equal((await kapal.run('down', '--apps')).code, 0);
    assert.deepEqual(leftovers(kapal), [], 'nothing is left');
    await assert.rejects(kapal.visit('shop.localhost'), /ECONNREFUSED/);

    await kapal.up();
    await eventually(
      'it answers again by itself',
      async () => (await kapal.visit('shop.localhost').catch(() => null))?.status === 200,
    );
    assert.equal((await kapal.visit('site.localhost')).body, 'hello');
    const again = await eventually('both instances are ready', async () => {
      const service = await kapal.service('shop');
      return service.status === 'running' && service.instances.length === 2 ? service : null;
    });
    assert.equal(again.release, release, 'from the record, without a new release');
  });
});

async function endDaemon(kapal: TestKapal, how: 'SIGKILL' | 'SIGTERM' | 'down'): Promise<void> {
  const pid = kapal.daemon?.pid;
  assert.ok(pid !== undefined);
  if (how === 'down') assert.equal((await kapal.run('down')).code, 0);
  else send(pid, how);
  await eventually('the daemon has ended', () => !isAlive(pid));
  await eventually(
    'its child was reaped',
    () => kapal.daemon === null || kapal.daemon.exitCode !== null || kapal.daemon.signalCode !== null,
  );
  if (how !== 'SIGKILL') assert.equal(kapal.daemon?.exitCode, 0);
  kapal.daemon = null;
  assert.ok(processesOf(kapal).some((process) => process.role === 'app'));
}
