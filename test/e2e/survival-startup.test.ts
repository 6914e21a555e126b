import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { existsSync, statSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:net';
import { dirname, join } from 'node:path';
import { describe, test } from 'node:test';
import { promisify } from 'node:util';
import { TestKapal } from './kapal.ts';
import { freePort } from '../free-port.ts';
import { isAlive, leftovers, processesOf, send, usersOf } from './install.ts';
import { eventually, facesOf, shop } from './survival.ts';

const exec = promisify(execFile);

describe('starting', () => {
  test('a second daemon on the same data folder is refused by the name of the first', async () => {
    await using kapal = await TestKapal.start();
    await kapal.deploy(await kapal.project('shop', shop('shop')));
    const faces = await facesOf(kapal);
    const ports = ['--http', `127.0.0.1:${await freePort()}`, '--api', `127.0.0.1:${await freePort()}`];
    for (const how of [[], ['--detach']]) {
      const second = await kapal.run('up', ...ports, ...how);
      assert.equal(second.code, 1);
      assert.match(second.stderr, new RegExp(`\\b${kapal.daemon?.pid}\\b`), 'it names the holder');
    }
    assert.deepEqual(await facesOf(kapal), faces);
    assert.equal(processesOf(kapal).filter(({ role }) => role === 'daemon').length, 1);
  });

  test('a port that is taken is named with its holder and the flag that picks another, and nothing is left running', async () => {
    for (const flag of ['--http', '--api'] as const) {
      const kapal = await TestKapal.prepare();
      await using _ending = { [Symbol.asyncDispose]: () => kapal.discard() };
      await using holder = await listening(flag === '--http' ? kapal.http : kapal.api);
      const refused = await kapal.run('up', '--http', `127.0.0.1:${kapal.http}`, '--api', `127.0.0.1:${kapal.api}`);
      assert.equal(refused.code, 1, refused.stderr);
      assert.match(refused.stderr, new RegExp(`${holder.port}.*pid ${process.pid}`), refused.stderr);
      assert.match(refused.stderr, new RegExp(flag), refused.stderr);
      assert.deepEqual(processesOf(kapal), [], `${flag}: what was begun has ended`);
      assert.deepEqual(usersOf(kapal), []);
    }
  });

  test('a data folder with a long path of odd characters works, and leaves nothing outside of it', async () => {
    await using kapal = await TestKapal.prepare();
    const data = join(kapal.folder, `it's "odd" $(touch x) ${'d'.repeat(100)}`, 'data');
    await mkdir(data, { recursive: true });
    const at = (...args: readonly string[]) => kapal.runWith({ env: { KAPAL_DATA: data } }, ...args);
    // Whatever fails below, this daemon is not the one that `kapal` ends.
    await using _ending = { [Symbol.asyncDispose]: async () => void (await at('down', '--apps')) };
    const start = ['up', '--detach', '--json', '--http', `127.0.0.1:${kapal.http}`, '--api', `127.0.0.1:${kapal.api}`];
    const up = await at(...start);
    assert.equal(up.code, 0, up.stderr);
    const { socket, pid } = JSON.parse(up.stdout) as { socket: string; pid: number };
    assert.ok(Buffer.byteLength(socket) <= 107, 'the longest that a socket may be');
    assert.equal(statSync(dirname(socket)).mode & 0o777, 0o700);
    const deploy = await at('deploy', await kapal.project('shop', shop('shop')));
    assert.equal(deploy.code, 0, deploy.stderr);
    assert.equal((await kapal.visit('shop.localhost')).status, 200);
    send(pid, 'SIGKILL');
    await eventually('the daemon has ended', () => !isAlive(pid));
    const again = await at(...start);
    assert.equal(again.code, 0, again.stderr);
    assert.equal((await at('project', 'remove', 'shop', '--yes')).code, 0);
    assert.equal((await at('down', '--apps')).code, 0);
    assert.ok(!existsSync(dirname(socket)), 'the folder of the socket is gone');
    assert.deepEqual(leftovers({ data }), []);
    assert.ok(!existsSync(join(kapal.folder, 'x')) && !existsSync('x'));
    const refused = await kapal.run('up', '--data', join(kapal.folder, 'a:b'));
    assert.equal(refused.code, 2, refused.stderr);
    assert.ok(!existsSync(join(kapal.folder, 'a:b')));
  });

  test('service install --dry-run prints what starts Kapal at boot, and writes nothing', async () => {
    await using kapal = await TestKapal.prepare();
    const ran = await kapal.run(
      'service',
      'install',
      '--dry-run',
      '--http',
      '127.0.0.1:8080',
      '--domain',
      'apps.example.com',
      '--json',
    );
    assert.equal(ran.code, 0, ran.stderr);
    const { kind, path, content, notes } = JSON.parse(ran.stdout) as {
      kind: string;
      path: string;
      content: string;
      notes: string[];
    };
    assert.ok(!existsSync(path), path);
    assert.ok(notes.length > 0);
    for (const word of [kapal.data, '127.0.0.1:8080', 'apps.example.com']) assert.ok(content.includes(word), word);
    const file = join(kapal.folder, kind === 'systemd' ? 'kapal.service' : 'kapal');
    await writeFile(file, content, { mode: 0o755 });
    if (kind === 'systemd') await exec('systemd-analyze', ['verify', file]);
    else await exec('sh', ['-n', file]);
    assert.match((await kapal.run('service', 'install', '--dry-run')).stdout, /KillMode=process|BEGIN INIT INFO/);
  });
});

async function listening(port: number): Promise<{ port: number } & AsyncDisposable> {
  const server: Server = createServer();
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, '127.0.0.1', resolve);
  });
  return { port, [Symbol.asyncDispose]: () => new Promise((resolve) => server.close(() => resolve())) };
}
