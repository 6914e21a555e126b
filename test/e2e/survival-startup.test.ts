import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:net';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { promisify } from 'node:util';
import { freePort, TestKapal } from './kapal.ts';
import { processesOf } from './install.ts';
import { facesOf, shop } from './survival.ts';

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
      await using kapal = await TestKapal.prepare();
      await using holder = await listening(flag === '--http' ? kapal.http : kapal.api);
      const refused = await kapal.run('up', '--http', `127.0.0.1:${kapal.http}`, '--api', `127.0.0.1:${kapal.api}`);
      assert.equal(refused.code, 1, refused.stderr);
      assert.match(refused.stderr, new RegExp(`${holder.port}.*pid ${process.pid}`), refused.stderr);
      assert.match(refused.stderr, new RegExp(flag), refused.stderr);
      assert.deepEqual(processesOf(kapal), [], `${flag}: what was begun has ended`);
    }
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
