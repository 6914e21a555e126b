import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { after, afterEach, before, describe, test } from 'node:test';
import { isAlive, leftovers, onlyOwned, processesOf, send, usersOf } from './install.ts';
import type { TestKapal } from './kapal.ts';
import { nginxFolder, nginxNow, nginxOf, nginxWithout, reloadsOf, startWithNginx } from './nginx.ts';
import { eventually, facesOf, shop } from './survival.ts';
import { Visitors } from './visitors.ts';

describe('what dies around nginx, and what of it', () => {
  let kapal: TestKapal;
  before(async () => void (kapal = await startWithNginx()));
  afterEach(() => kapal.clear());
  after(() => kapal[Symbol.asyncDispose]());

  test('the daemon goes in every way and comes back: nginx serves on as the same processes', async () => {
    await kapal.deploy(await kapal.project('shop', shop('shop', ['numInstances: 2'])));
    const [nginx, faces] = [nginxNow(kapal), await facesOf(kapal)];
    await using visitors = new Visitors({ port: kapal.http, host: 'shop.localhost' });
    await kapal.killDaemon();
    assert.equal((await kapal.visit('shop.localhost')).status, 200);
    await kapal.up();
    assert.equal((await kapal.run('down')).code, 0);
    kapal.daemon = null;
    assert.equal((await kapal.visit('shop.localhost')).status, 200);
    await kapal.up();
    assert.deepEqual((await visitors.stop()).failed, []);
    assert.deepEqual(nginxNow(kapal), nginx, 'adopted');
    assert.deepEqual(await facesOf(kapal), faces);
    // An adopted one takes changes as before.
    await kapal.json(['scale', 'shop=1']);
    assert.equal((await kapal.visit('shop.localhost')).status, 200);
    assert.deepEqual(reloadsOf(kapal), []);
    await onlyOwned(kapal);
  });

  test('a worker, the master, all of it: each comes back with the same routes; down --apps leaves nothing', async () => {
    await kapal.deploy(await kapal.project('shop', shop('shop')));
    const answers = async () => (await kapal.visit('shop.localhost').catch(() => null))?.status === 200;

    const first = nginxNow(kapal);
    send(first.workers[0] ?? 0, 'SIGKILL');
    const second = await nginxWithout(kapal, first.workers.slice(0, 1));
    assert.equal(second.master, first.master, 'the master replaces a worker, daemon or not');
    assert.ok(await answers());

    send(second.master, 'SIGKILL');
    assert.ok(await answers(), 'the workers go on without a master');
    const third = await nginxWithout(kapal, [second.master, ...second.workers]);
    await eventually('what the old master left has ended', () => !second.workers.some(isAlive));
    assert.ok(await answers());

    for (const pid of [third.master, ...third.workers]) send(pid, 'SIGKILL');
    await eventually('it answers again', answers);

    await kapal.killDaemon();
    for (const { pid, role } of processesOf(kapal)) if (role === 'edge') send(pid, 'SIGKILL');
    await eventually('nobody serves', () => nginxOf(kapal) === null);
    await kapal.up();
    assert.ok(await answers(), 'a daemon that comes back brings the edge with it');

    const users = usersOf(kapal).filter((name) => name.startsWith('kapal-edge-'));
    assert.equal(users.length, process.getuid?.() === 0 ? 1 : 0, 'of their own, where root can make one');
    assert.equal((await kapal.run('down', '--apps')).code, 0);
    assert.deepEqual(leftovers(kapal), []);
    assert.ok(!usersOf(kapal).some((name) => users.includes(name)), 'the user of the workers is gone with them');
    for (const name of ['nginx.pid', 'control/nginx.sock'])
      assert.ok(!existsSync(join(nginxFolder(kapal), name)), `${name} is gone`);
    await assert.rejects(kapal.visit('shop.localhost'), /ECONNREFUSED/);
    await kapal.up();
    await eventually('it answers by itself', answers);
  });
});
