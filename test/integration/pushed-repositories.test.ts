import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { describe, test, type TestContext } from 'node:test';
import { PushedRepositories } from '../../src/source/repositories.ts';
import { gitIn } from '../e2e/pushing.ts';
import { runGit, temporaryFolder } from './source-fixtures.ts';

interface World {
  readonly repositories: PushedRepositories;
  /** Where the repositories lie. */
  readonly folder: string;
  readonly work: string;
  readonly url: string;
}

/** Repositories behind HTTP, without a daemon that the hooks could ask. */
async function world(t: TestContext, room: number | null): Promise<World> {
  const base = await temporaryFolder(t);
  const [folder, work] = [join(base, 'pushed'), join(base, 'work')];
  mkdirSync(work);
  runGit(work, 'init', '--quiet', '--initial-branch=main');
  const repositories = new PushedRepositories({ folder });
  await repositories.begin(new Set());
  await repositories.make('shop');
  const server = createServer((request, response) => {
    const url = new URL(request.url ?? '', 'http://localhost');
    const isAsked = url.pathname.endsWith('/info/refs');
    const field = (name: string) => (request.headers[name] as string | undefined) ?? null;
    repositories
      .serve({
        project: 'shop',
        room,
        daemon: { socket: join(base, 'nobody.sock'), path: '/pushes/x' },
        request: {
          service: url.href.includes('receive-pack') ? 'git-receive-pack' : 'git-upload-pack',
          step: isAsked ? 'advertise' : 'exchange',
          contentType: field('content-type'),
          contentLength: field('content-length'),
          contentEncoding: field('content-encoding'),
          protocol: field('git-protocol'),
          body: request,
        },
      })
      .then(
        ({ status, headers, body }) => {
          response.writeHead(status, Object.fromEntries(headers));
          body.pipe(response);
        },
        () => response.destroy(),
      );
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(() => new Promise((resolve) => (server.close(resolve), server.closeAllConnections())));
  const { port } = server.address() as AddressInfo;
  return { repositories, folder, work, url: `http://127.0.0.1:${port}/shop.git` };
}

describe('repositories that are pushed to', () => {
  test('take no more than there is room for, and keep nothing of what was too much', async (t) => {
    const { folder, work, url } = await world(t, 100_000);
    writeFileSync(join(work, 'large.bin'), randomBytes(1024 * 1024));
    runGit(work, 'add', '--all');
    runGit(work, 'commit', '--quiet', '-m', 'Large');
    const pushed = await gitIn(work, ['push', url, 'main']);
    assert.notEqual(pushed.code, 0);
    assert.match(pushed.said, /maximum allowed size/);
    assert.deepEqual(readdirSync(join(folder, 'shop.git', 'objects')).toSorted(), ['info', 'pack']);
    assert.deepEqual(readdirSync(join(folder, 'shop.git', 'objects', 'pack')), []);
  });

  test('refuse a push where no daemon answers the hook', async (t) => {
    const { work, url } = await world(t, null);
    runGit(work, 'commit', '--quiet', '--allow-empty', '-m', 'One');
    const pushed = await gitIn(work, ['push', url, 'main']);
    assert.notEqual(pushed.code, 0);
    assert.match(pushed.said, /the daemon went away/);
    assert.match(pushed.said, /pre-receive hook declined/);
  });

  test('are swept when a daemon begins: what dead pushes and removed projects left, hooks that somebody changed', async (t) => {
    const { repositories, folder } = await world(t, null);
    const objects = join(folder, 'shop.git', 'objects');
    mkdirSync(join(objects, 'tmp_objdir-incoming-Ab12Cd'));
    writeFileSync(join(objects, 'pack', 'tmp_pack_x'), 'half');
    mkdirSync(join(folder, 'gone.git'));
    mkdirSync(join(folder, 'new.git.part'));
    const hook = join(folder, 'hooks', 'post-receive');
    const text = readFileSync(hook, 'utf8');
    writeFileSync(hook, '#!/bin/sh\ntouch /tmp/owned\n');
    await repositories.begin(new Set(['shop']));
    assert.deepEqual(readdirSync(folder).toSorted(), ['hooks', 'shop.git']);
    assert.deepEqual(readdirSync(objects).toSorted(), ['info', 'pack']);
    assert.deepEqual(readdirSync(join(objects, 'pack')), []);
    assert.equal(readFileSync(hook, 'utf8'), text);
    assert.equal(statSync(hook).mode & 0o777, 0o700);
    await repositories.remove('shop');
    assert.equal(existsSync(join(folder, 'shop.git')), false);
  });

  test('are cleared of what a push that was killed has left, and of nothing else', async (t) => {
    const { repositories, folder } = await world(t, null);
    const objects = join(folder, 'shop.git', 'objects');
    mkdirSync(join(objects, 'tmp_objdir-incoming-Ab12Cd'));
    writeFileSync(join(objects, 'tmp_objdir-incoming-Ab12Cd', 'x'), 'half');
    writeFileSync(join(objects, 'pack', 'tmp_pack_x'), 'of a gc that goes on');
    const clearing = repositories.clear('shop');
    mkdirSync(join(objects, 'tmp_objdir-incoming-Next00'));
    await clearing;
    assert.deepEqual(readdirSync(objects).toSorted(), ['info', 'pack', 'tmp_objdir-incoming-Next00']);
    assert.deepEqual(readdirSync(join(objects, 'pack')), ['tmp_pack_x']);
    await repositories.clear('gone');
  });

  test('have names of projects alone', async (t) => {
    const { repositories } = await world(t, null);
    for (const name of ['..', 'a/b', '-x', 'hooks/x', 'Shop', '', 'a\nb'])
      await assert.rejects(() => repositories.make(name), /is not the name of a project/, name);
    for (const quarantine of ['..', '../x', 'pack', 'incoming-../x'])
      await assert.rejects(
        () => repositories.commit('shop', { commit: '1'.repeat(40), quarantine }),
        /no folder of its repository/,
      );
  });
});
