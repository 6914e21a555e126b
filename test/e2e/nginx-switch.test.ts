import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import type { StatusDocument } from '../../src/api/contract/types.ts';
import { processesOf, usersOf } from './install.ts';
import { checkout, type Ran, TestKapal } from './kapal.ts';
import { nginxOf } from './nginx.ts';
import { ask, facesOf, shop } from './survival.ts';

describe('which engine serves', () => {
  test('from embedded to nginx and back by up --edge; auto keeps what serves; what ran is served on', async () => {
    await using kapal = await TestKapal.start();
    await kapal.deploy(await kapal.project('shop', shop('shop')));
    await kapal.deploy(await kapal.project('site', { 'index.html': 'hello' }));
    const faces = await facesOf(kapal);
    const serves = async (flags: readonly string[], engine: string, why: RegExp) => {
      assert.equal((await kapal.run('down')).code, 0);
      await kapal.up(flags);
      const { edge } = (await ask(kapal, '/status')).body as StatusDocument;
      assert.equal(edge.engine, engine);
      assert.match(edge.why, why);
      assert.deepEqual(await facesOf(kapal), faces, 'no instance was touched');
      assert.equal((await kapal.visit('shop.localhost')).status, 200);
      assert.equal((await kapal.visit('site.localhost')).body, 'hello');
      const isNginx = engine === 'nginx';
      assert.equal(nginxOf(kapal) !== null, isNginx, 'nginx runs where it serves, and nowhere else');
      const takesVisitors = processesOf(kapal).some(({ command }) => /worker\.ts --http /.test(command));
      assert.equal(takesVisitors, !isNginx, 'and the embedded one too');
    };
    await serves(['--edge', 'auto'], 'embedded', /^it serves already; nginx [\d.]+ with its Lua module is at \//);
    await serves(['--edge', 'nginx'], 'nginx', /^asked for; nginx [\d.]+/);
    await serves(['--edge', 'auto'], 'nginx', /^nginx [\d.]+ with its Lua module is at \//);
    assert.match((await kapal.run('doctor')).stdout, /nginx on 127\.0\.0\.1:\d+: nginx [\d.]+ with its Lua module/);
    await serves(['--edge', 'embedded'], 'embedded', /^asked for$/);
  });

  test('where the Lua module is missing --edge nginx is refused with what to do, and auto says why it takes the other', async () => {
    await using kapal = await TestKapal.prepare();
    const at = ['--http', `127.0.0.1:${kapal.http}`, '--https', 'none', '--api', `127.0.0.1:${kapal.api}`];
    const refused = await withoutModules('up', '--data', kapal.data, ...at, '--edge', 'nginx');
    assert.equal(refused.code, 2, refused.stdout);
    assert.match(refused.stderr, /nginx cannot serve here: nginx [\d.]+ at \S+ has no Lua module \(not_supported\)/);
    assert.match(refused.stderr, /kapal edge install[\s\S]*--edge auto/);
    assert.deepEqual([processesOf(kapal), usersOf(kapal)], [[], []], 'nothing is left of it');
    const up = await withoutModules('up', '--detach', '--data', kapal.data, ...at);
    assert.equal(up.code, 0, up.stderr);
    const { edge } = (await ask(kapal, '/status')).body as StatusDocument;
    assert.equal(edge.engine, 'embedded');
    assert.match(edge.why, /has no Lua module; kapal edge install brings it$/);
    assert.match(
      (await withoutModules('doctor', '--data', kapal.data)).stdout,
      /warn +nginx +nginx [\d.]+ at \S+ has no Lua module/,
    );
    assert.equal((await kapal.run('down', '--apps')).code, 0);
  });
});

/** A command of Kapal that sees this machine as it would be without nginx's modules, in a mount namespace of its own (mount_namespaces(7)). */
function withoutModules(...args: readonly string[]): Promise<Ran> {
  const hide = 'mount -t tmpfs -o mode=755 none /usr/lib/nginx/modules && exec "$@"';
  const namespace = process.getuid?.() === 0 ? ['-m'] : ['-Urm'];
  const words = [...namespace, 'sh', '-c', hide, 'sh', join(checkout, 'kapal'), ...args];
  return new Promise((resolve) => {
    execFile('unshare', words, { timeout: 400_000 }, (error, stdout, stderr) =>
      resolve({ code: error === null ? 0 : Number(error.code ?? 255), stdout, stderr }),
    );
  });
}
