import assert from 'node:assert/strict';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { leftovers, processesOf, send } from './install.ts';
import { Stranger } from './stranger.ts';
import { eventually, shop } from './survival.ts';
import { get } from '../integration/edge-fixture.ts';

describe('as an unprivileged user', () => {
  let user: Stranger;
  before(async () => void (user = await Stranger.arrive()));
  after(() => user[Symbol.asyncDispose]());

  test('the whole demo', async () => {
    const demo = await user.run('demo', '--json');
    assert.equal(demo.code, 0, demo.stderr);
    const { requests, failed } = JSON.parse(demo.stdout) as { requests: number; failed: number };
    assert.ok(requests > 100);
    assert.equal(failed, 0);
  });

  for (const engine of ['embedded', 'nginx'] as const)
    test(`services run and stop, survive the daemon, and doctor says what is missing ${engine}`, async () => {
      await user.up(engine);
      const folder = join(user.home, 'shop');
      await mkdir(folder, { recursive: true });
      for (const [name, content] of Object.entries(
        shop('shop', ['numInstances: 2', 'memoryLimit: 256MB', 'preDeployCommand: id -u; sleep 1000 & true'], {
          'engine.txt': engine,
        }),
      ))
        await writeFile(join(folder, name), content);
      const deploy = await user.run('deploy', folder, '--json');
      assert.equal(deploy.code, 0, deploy.stderr);
      const doctor = await user.run('doctor');
      assert.match(doctor.stdout, /Services run as the user of the daemon: run it as root/);
      assert.match(doctor.stdout, /Memory limits are kept by the daemon/);
      assert.match(doctor.stdout, new RegExp(`${engine} on 127\\.0\\.0\\.1:\\d+: asked for`));
      const before = await user.service();
      assert.deepEqual(new Set(processesOf(user).map(({ uid }) => uid)), new Set([user.uid]), 'nothing of it is root');

      const [daemon] = processesOf(user).filter(({ role }) => role === 'daemon');
      send(daemon?.pid ?? 0, 'SIGKILL');
      await eventually('the daemon is gone', () => processesOf(user).every(({ role }) => role !== 'daemon'));
      await user.up(engine);
      assert.deepEqual((await user.service()).instances, before.instances);
      assert.deepEqual(
        processesOf(user).filter(({ command }) => command.startsWith('sleep')),
        [],
        'what preDeployCommand left behind is gone',
      );

      // No control group of this user's keeps the limit: the daemon does, from what it sees resident.
      assert.equal((await get(user.http, '/?eat=1', { headers: { host: 'shop.localhost' } })).status, 200);
      const starved = await eventually('the instance that ate too much was ended and started again', async () => {
        const { instances } = await user.service();
        return instances.every(({ state }) => state === 'ready')
          ? instances.find(({ restarts }) => restarts === 1)
          : null;
      });
      assert.match(starved.lastExit ?? '', /more memory than its limit/);

      assert.equal((await user.run('stop', 'shop')).code, 0);
      assert.deepEqual(
        processesOf(user).filter(({ role }) => role === 'app' || role === 'keeper'),
        [],
      );
      assert.equal((await user.run('start', 'shop')).code, 0);
      assert.equal((await user.run('down', '--apps')).code, 0);
      assert.deepEqual(leftovers(user), []);
    });
});
