import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { createServer } from 'node:http';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import type { StatusDocument } from '../../src/api/contract/types.ts';
import { processesOf } from './install.ts';
import { checkout, freePort, TestKapal } from './kapal.ts';
import { nginxNow, nginxOf, startWithNginx } from './nginx.ts';
import { ask, eventually, facesOf, shop } from './survival.ts';

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
});
