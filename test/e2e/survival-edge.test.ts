import assert from 'node:assert/strict';
import { after, afterEach, before, describe, test } from 'node:test';
import type { StatusDocument } from '../../src/api/contract/types.ts';
import { TestKapal } from './kapal.ts';
import { freePort } from '../free-port.ts';
import { isAlive, onlyOwned, type Process, processesOf, send } from './install.ts';
import { ask, eventually, shop, visitor } from './survival.ts';

describe('the edge', () => {
  let kapal: TestKapal;
  before(async () => void (kapal = await TestKapal.start()));
  afterEach(() => kapal.clear());
  after(() => kapal[Symbol.asyncDispose]());

  test('its workers and its keeper may be killed, with the daemon or without; all of it too', async () => {
    await kapal.deploy(await kapal.project('shop', shop('shop', ['numInstances: 2'])));

    await eventually('all workers serve', async () => (await serving(kapal)).length === 2);
    for (const round of [1, 2]) {
      const [victim] = await serving(kapal);
      assert.ok(victim !== undefined);
      await using visits = visitor(kapal, 'shop.localhost');
      send(victim, 'SIGKILL');
      await eventually(
        `round ${round}: two serve again`,
        async () => (await serving(kapal)).filter((pid) => pid !== victim).length === 2,
      );
      // A request that the killed worker had taken already may be cut; what comes after finds the other one.
      const { failures } = await visits.stop();
      assert.ok(failures.length <= 1, failures.join('\n'));
    }

    const keepers = edgeOf(kapal).filter((process) => /keeper\.sh/.test(process.command));
    await using visits = visitor(kapal, 'shop.localhost');
    for (const { pid } of keepers) send(pid, 'SIGKILL');
    await eventually('a new keeper has workers', async () => {
      const now = edgeOf(kapal);
      return (
        now.some(({ pid, command }) => /keeper\.sh/.test(command) && !keepers.some((old) => old.pid === pid)) &&
        (await serving(kapal)).length === 2
      );
    });
    assert.deepEqual((await visits.stop()).failures, [], 'a keeper is not in the way of requests');
    await eventually(
      'one edge is left',
      () => edgeOf(kapal).filter(({ command }) => /worker\.ts/.test(command)).length === 2,
    );

    for (const { pid } of edgeOf(kapal)) send(pid, 'SIGKILL');
    await eventually(
      'the whole edge is back',
      async () => (await kapal.visit('shop.localhost').catch(() => null))?.status === 200,
    );

    await kapal.killDaemon();
    const before = edgeOf(kapal).filter(({ command }) => /worker\.ts/.test(command));
    for (const { pid } of before) send(pid, 'SIGKILL');
    await eventually(
      'the keeper started workers without a daemon',
      async () => (await kapal.visit('shop.localhost').catch(() => null))?.status === 200,
    );
    assert.ok(before.every(({ pid }) => !isAlive(pid)));
    await kapal.up();
    assert.equal((await kapal.visit('shop.localhost')).status, 200);
    await onlyOwned(kapal);
  });

  test('with another --http the edge moves there and leaves the old address', async () => {
    await kapal.deploy(await kapal.project('shop', shop('shop')));
    let [here, there] = [kapal.http, await freePort()];
    for (const end of ['SIGKILL', 'down', 'down --apps'] as const) {
      if (end === 'SIGKILL') await kapal.killDaemon();
      else assert.equal((await kapal.run(...end.split(' '))).code, 0);
      await kapal.up(['--http', `127.0.0.1:${there}`]);
      await eventually(
        'it answers at the new address',
        async () => (await kapal.visit('shop.localhost', '/', { port: there }).catch(() => null))?.status === 200,
      );
      await eventually('nothing listens at the old one', () =>
        kapal.visit('shop.localhost', '/', { port: here }).then(
          () => false,
          () => true,
        ),
      );
      assert.deepEqual((await kapal.service('shop')).urls, [`http://shop.localhost:${there}`]);
      [here, there] = [there, here];
    }
  });
});

function edgeOf(kapal: TestKapal): Process[] {
  return processesOf(kapal).filter((process) => process.role === 'edge');
}

async function serving(kapal: TestKapal): Promise<number[]> {
  const { body } = await ask(kapal, '/status');
  return (body as StatusDocument).edge.workers.map((worker) => worker.pid).filter(isAlive);
}
