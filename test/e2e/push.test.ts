import assert from 'node:assert/strict';
import { randomFillSync } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { mkdir, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, afterEach, before, describe, test } from 'node:test';
import type { RepositoryDocument } from '../../src/api/contract/push-types.ts';
import type { OperationDocument, ReleaseDocument } from '../../src/api/contract/types.ts';
import { recordOf } from '../crash/record.ts';
import { crashingApp, webApp } from './apps.ts';
import { TestKapal, until } from './kapal.ts';
import { Developer } from './pushing.ts';

/** A developer pushes with git alone. */
describe('git push', () => {
  let kapal: TestKapal;
  before(async () => {
    kapal = await TestKapal.start();
  });
  afterEach(() => kapal.clear());
  after(async () => {
    await kapal[Symbol.asyncDispose]();
  });

  const answer = async (host = 'toko.localhost') => (await kapal.visit(host)).body;
  const newest = async (service = 'toko') => (await kapal.json<readonly ReleaseDocument[]>(['releases', service]))[0];
  const declared = (files: Readonly<Record<string, string>>, service = 'toko') => ({
    ...files,
    'kapal.yaml': `services: [{type: web, name: ${service}, runtime: node, startCommand: node server.js, buildCommand: echo building ${service}}]\n`,
  });

  test('a first version and a second, shown live, with what it came from', async () => {
    const sari = await Developer.begin(kapal, 'toko');
    const first = await sari.commit('Open the shop', declared(webApp('first')));
    const pushed = await sari.push();
    assert.equal(pushed.code, 0, pushed.said);
    assert.match(pushed.said, /remote: ==> toko: release 1 is live \(.*\)\s+remote: {5}http:\/\/toko\.localhost:\d+/);
    assert.match(pushed.said, /remote: {5}toko \| building toko/);
    assert.equal(await answer(), 'first');
    const { source, cause } = (await newest()) ?? {};
    assert.deepEqual(
      { ...source, digest: '' },
      {
        kind: 'git',
        digest: '',
        url: null,
        branch: 'main',
        commit: first,
        author: 'Sari <sari@example.com>',
        subject: 'Open the shop',
      },
    );
    assert.equal(cause, 'deploy');

    const second = await sari.commit('Restock', declared(webApp('second')));
    assert.equal((await sari.push()).code, 0);
    assert.equal(await answer(), 'second');
    const [repository] = await kapal.json<readonly RepositoryDocument[]>(['git', 'list']);
    assert.deepEqual([repository?.branch, repository?.commit], ['main', second]);

    await kapal.json(['rollback', 'toko']);
    assert.equal(await answer(), 'first');
    // What is there is what git fetches, and the branch may be turned back.
    assert.match((await sari.git('ls-remote', 'kapal')).said, new RegExp(`${second}\\s+refs/heads/main`));
    await sari.git('clone', '--quiet', await sari.withPassword(), join(kapal.folder, 'clone'));
    assert.match(readFileSync(join(kapal.folder, 'clone', 'server.js'), 'utf8'), /second/);
    await sari.git('reset', '--quiet', '--hard', first);
    const forced = await sari.push('--force', 'kapal', 'main');
    assert.equal(forced.code, 0, forced.said);
    assert.match(forced.said, /toko: unchanged/);
  });

  test('a failing deploy: the commit is stored and the failure shown; refused where the push waits for it', async () => {
    const sari = await Developer.begin(kapal, 'toko');
    const good = await sari.commit('Good', declared(webApp('good')));
    assert.equal((await sari.push('-o', 'wait', 'kapal', 'main')).code, 0);
    assert.equal(await answer(), 'good');
    const bad = await sari.commit('Bad', declared(crashingApp(3)));

    const refused = await sari.push('-o', 'wait', 'kapal', 'main');
    assert.notEqual(refused.code, 0);
    assert.match(refused.said, /remote: ==> toko: deploy failed[^\n]*/);
    assert.match(refused.said, /no database at db\.internal/);
    assert.match(refused.said, /pre-receive hook declined/);
    assert.match((await sari.git('ls-remote', 'kapal', 'main')).said, new RegExp(good));
    assert.equal(await answer(), 'good');

    const tried = (await newest())?.release ?? 0;
    const stored = await sari.push();
    assert.equal(stored.code, 0, stored.said);
    assert.equal((await newest())?.release, tried + 1, 'it is tried anew');
    assert.match(stored.said, /remote: ==> deploy failed: the commit is stored, and what ran before goes on/);
    assert.match((await sari.git('ls-remote', 'kapal', 'main')).said, new RegExp(bad));
    assert.equal(await answer(), 'good');

    const set = await kapal.json<RepositoryDocument>(['git', 'set', 'toko', '--require-deploy']);
    assert.equal(set.requireDeploy, true);
    await sari.commit('Wrong', { 'kapal.yaml': 'services: [{type: webb, name: toko}]\n' });
    const wrong = await sari.push();
    assert.notEqual(wrong.code, 0);
    assert.match(wrong.said, /deploy failed: .*kapal\.yaml:1:\d+/);
    await sari.commit('Mended', declared(webApp('mended')));
    const mended = await sari.push();
    assert.equal(mended.code, 0, mended.said);
    assert.equal(mended.said.match(/is live/g)?.length, 1, 'deployed once');
    assert.equal(await answer(), 'mended');
    assert.match(
      (await sari.push('-o', 'fast', 'kapal', 'HEAD~1:refs/heads/main', '--force')).said,
      /no push option "fast"/,
    );
  });

  test('another branch, a tag and the end of the branch are stored, deploy nothing, and say so', async () => {
    const sari = await Developer.begin(kapal, 'toko');
    await sari.commit('One', declared(webApp('one')));
    const early = await sari.push('kapal', 'main:refs/heads/try');
    assert.equal(early.code, 0, early.said);
    assert.match(early.said, /stored and not deployed: "?try"?\s+remote: {5}Push main or master, or choose the branch/);
    assert.deepEqual(await kapal.ps(), []);
    await sari.push();
    await sari.git('tag', 'v1');
    const other = await sari.push('kapal', 'main:refs/heads/promo', 'v1');
    assert.equal(other.code, 0, other.said);
    assert.match(other.said, /stored and not deployed: .*promo.*v1.*; main is deployed/);
    const gone = await sari.push('kapal', '--delete', 'main');
    assert.equal(gone.code, 0, gone.said);
    assert.match(gone.said, /the branch was deleted: what runs goes on/);
    assert.equal(await answer(), 'one');

    await kapal.json(['git', 'set', 'toko', '--branch', 'promo']);
    await sari.commit('Two', declared(webApp('two')));
    await sari.push('kapal', 'main:refs/heads/promo');
    assert.equal(await answer(), 'two');
    assert.equal((await newest())?.source?.branch, 'promo');
  });

  test('without the token nothing is told and nothing made', async () => {
    const sari = await Developer.begin(kapal, 'toko');
    await sari.commit('One', declared(webApp('one')));
    for (const [remote, said] of [
      [sari.remote, /could not read Username/],
      [sari.remote.replace('http://', 'http://any:kapal_wrong@'), /Authentication failed/],
    ] as const) {
      const refused = await sari.push(remote, 'main');
      assert.notEqual(refused.code, 0);
      assert.match(refused.said, said);
    }
    assert.equal(existsSync(join(kapal.data, 'git', 'pushed', 'toko.git')), false);
    const place = new URL(sari.remote);
    const asked = await fetch(`${place.origin}/git/toko.git/info/refs?service=git-receive-pack`);
    assert.equal(asked.status, 401);
    assert.match(asked.headers.get('www-authenticate') ?? '', /^Basic /);
    // A password is for git alone: no page can have a browser send it to the rest of the API.
    const basic = {
      authorization: `Basic ${Buffer.from(`any:${(await kapal.run('token')).stdout.trim()}`).toString('base64')}`,
    };
    assert.equal((await fetch(`${place.origin}/api/v1/status`, { headers: basic })).status, 401);
    assert.equal(
      (await fetch(`${place.origin}/git/toko.git/info/refs?service=git-upload-pack`, { headers: basic })).status,
      404,
    );
    assert.equal((await fetch(`${place.origin}/git/toko.git/HEAD`, { headers: basic })).status, 401);
    const invalid = await sari.push((await sari.withPassword()).replace('toko.git', 'To_Ko.git'), 'main');
    assert.match(invalid.said, /is not a valid name/);
  });

  test('through the edge, at a host of its own: pushes and calls of hooks, and nothing else of the API', async () => {
    const door = await kapal.project('door', {
      'kapal.yaml': [
        'project: door',
        'services:',
        '  - type: proxy',
        '    name: door',
        '    domains: [kapal.example.com/git, kapal.example.com/hooks]',
        `    upstreams: [{address: "127.0.0.1:${kapal.api}"}]`,
        '    edge: {maxBodySize: 2GB, responseTimeoutSeconds: 3600}',
      ].join('\n'),
    });
    await kapal.deploy(door);
    const sari = await Developer.begin(kapal, 'toko');
    await sari.commit('One', declared(webApp('one')));
    const remote = (await sari.withPassword()).replace(`127.0.0.1:${kapal.api}`, `kapal.example.com:${kapal.http}`);
    const pushed = await sari.try(
      '-c',
      `http.curloptResolve=kapal.example.com:${kapal.http}:127.0.0.1`,
      'push',
      remote,
      'main',
    );
    assert.equal(pushed.code, 0, pushed.said);
    assert.match(pushed.said, /release 1 is live/);
    assert.equal(await answer(), 'one');
    assert.equal((await kapal.visit('kapal.example.com', '/hooks/hook-x', { method: 'POST' })).status, 404);
    assert.match((await kapal.visit('kapal.example.com', '/hooks/hook-x', { method: 'POST' })).body, /no such hook/);
    const elsewhere = await kapal.visit('kapal.example.com', '/api/v1/status');
    assert.equal(elsewhere.body.includes('unauthorized'), false, elsewhere.body);
  });

  test('a shallow clone is pushed', async () => {
    const sari = await Developer.begin(kapal, 'toko');
    for (const text of ['one', 'two', 'three']) await sari.commit(text, declared(webApp(text)));
    const shallow = await Developer.begin(kapal, 'toko', 'shallow');
    await shallow.git('fetch', '--quiet', '--depth=1', `file://${sari.folder}`, 'main');
    await shallow.git('reset', '--quiet', '--hard', 'FETCH_HEAD');
    const pushed = await shallow.push();
    assert.equal(pushed.code, 0, pushed.said);
    assert.equal(await answer(), 'three');
  });

  test('300 MB within bounded memory of the daemon, and a pusher that hangs up in the middle leaves nothing', async () => {
    const sari = await Developer.begin(kapal, 'toko');
    const bulk = Object.fromEntries(
      Array.from({ length: 6 }, (_, index) => [`bulk/${index}.bin`, randomFillSync(Buffer.alloc(50 * 1024 * 1024))]),
    );
    await sari.commit('Large', { ...declared(webApp('large')), ...bulk });
    const status = () => kapal.get<{ residentBytes: number }>('/status');
    const before = (await status()).residentBytes;
    const broken = sari.begin(['push', 'kapal', 'main']);
    const objects = join(kapal.data, 'git', 'pushed', 'toko.git', 'objects');
    await until('the pack arrives', async () => (await sizeOf(objects)) > 20 * 1024 * 1024);
    // As a git that had to be killed leaves it.
    const dead = join(objects, 'tmp_objdir-incoming-De4d00');
    await mkdir(dead);
    await writeFile(join(dead, 'pack'), Buffer.alloc(2 * 1024 * 1024));
    broken.kill();
    await broken.ended;
    await until('nothing is left of it', async () => (await sizeOf(objects)) < 1024 * 1024);
    let most = before;
    const pushing = sari.push();
    let over = false;
    void pushing.finally(() => (over = true));
    await until('it is pushed', async () => {
      most = Math.max(most, (await status()).residentBytes);
      return over;
    });
    const pushed = await pushing;
    assert.equal(pushed.code, 0, pushed.said);
    assert.equal(await answer(), 'large');
    assert.ok(most - before < 150 * 1024 * 1024, `${before} became ${most}`);
  });

  test('two pushes at once: both end, and what is live is what the branch is at', async () => {
    const sari = await Developer.begin(kapal, 'toko');
    await sari.commit('Base', declared(webApp('base')));
    await sari.push();
    const budi = await Developer.begin(kapal, 'toko', 'budi');
    await budi.git('pull', '--quiet', 'kapal', 'main');
    for (const options of [[], ['-o', 'wait']]) {
      await sari.commit('Hers', declared(webApp(`hers ${options.length}`)));
      await budi.commit('His', declared(webApp(`his ${options.length}`)));
      const both = await Promise.all([sari, budi].map((one) => one.push(...options, '--force', 'kapal', 'main')));
      assert.ok(
        both.some(({ code }) => code === 0),
        both.map(({ said }) => said).join('\n'),
      );
      const tip = (await sari.git('ls-remote', 'kapal', 'main')).said.slice(0, 40);
      await until('the live release is of the tip', async () => {
        const releases = await kapal.get<readonly ReleaseDocument[]>('/services/toko/releases');
        return releases.find((release) => release.status === 'current')?.source?.commit === tip;
      });
      await sari.git('fetch', '--quiet', 'kapal', 'main');
      await sari.git('reset', '--quiet', '--hard', 'FETCH_HEAD');
      await budi.git('fetch', '--quiet', 'kapal', 'main');
      await budi.git('reset', '--quiet', '--hard', 'FETCH_HEAD');
    }
  });

  test('a newer push takes the place of a deploy under way; a pusher that hangs up ends nothing', async () => {
    const sari = await Developer.begin(kapal, 'toko');
    const slow = (text: string) => ({
      ...webApp(text),
      'kapal.yaml': `services: [{type: web, name: toko, runtime: node, startCommand: node server.js, buildCommand: 'echo begun; while test ! -e ${kapal.folder}/go; do sleep 0.05; done'}]\n`,
    });
    await sari.commit('Slow', slow('slow'));
    const first = sari.begin(['push', 'kapal', 'main']);
    await until('it builds', async () => builds(kapal));
    await sari.commit('Quick', declared(webApp('quick')));
    const second = await sari.push();
    assert.match(second.said, /release 1 is live/);
    const overtaken = await first.ended;
    assert.match(overtaken.said, /deploy cancelled: a newer deploy of toko took its place/);
    assert.equal(await answer(), 'quick');

    await sari.commit('Patient', slow('patient'));
    const left = sari.begin(['push', '-o', 'wait', 'kapal', 'main']);
    await until('it builds', async () => builds(kapal));
    left.kill();
    await left.ended;
    await writeFile(join(kapal.folder, 'go'), '');
    await until('it is live', async () => (await answer()) === 'patient');
    const tip = (await sari.git('rev-parse', 'main')).said.trim();
    await until('the branch has moved', async () => (await sari.git('ls-remote', 'kapal', 'main')).said.includes(tip));
    await rm(join(kapal.folder, 'go'));
  });

  test('the daemon is killed in the middle of the deploy: the next one brings it to its end', async () => {
    const sari = await Developer.begin(kapal, 'toko');
    await sari.commit('Slow', {
      ...webApp('survived'),
      'kapal.yaml': `services: [{type: web, name: toko, runtime: node, startCommand: node server.js, buildCommand: 'echo begun; while test ! -e ${kapal.folder}/go; do sleep 0.05; done'}]\n`,
    });
    const pushing = sari.begin(['push', 'kapal', 'main']);
    await until('it builds', async () => builds(kapal));
    const [before] = running(kapal);
    await kapal.killDaemon();
    assert.notEqual((await pushing.ended).code, 0);
    await writeFile(join(kapal.folder, 'go'), '');
    await kapal.up();
    await until('it is live', async () => (await answer()) === 'survived');
    const ended = await kapal.get<OperationDocument>(`/operations/${before}`);
    assert.equal(ended.result?.services[0]?.outcome, 'live');
    assert.equal((await sari.push()).said.includes('Everything up-to-date'), true);
  });
});

/** Ids of the operations that go on. */
function running(kapal: TestKapal): string[] {
  return recordOf(kapal, (record) =>
    record
      .prepare("SELECT id FROM operations WHERE state = 'running'")
      .all()
      .map((row) => String(row['id'])),
  );
}

/** Whether the command of a build runs. */
function builds(kapal: TestKapal): boolean {
  const sql = "SELECT 1 FROM tasks WHERE stage = 'build' AND build_run IS NOT NULL AND cancel = 'no'";
  return recordOf(kapal, (record) => record.prepare(sql).get() !== undefined);
}

async function sizeOf(folder: string): Promise<number> {
  let total = 0;
  for (const entry of await readdir(folder, { withFileTypes: true, recursive: true }).catch(() => []))
    if (entry.isFile())
      total += await stat(join(entry.parentPath, entry.name)).then(
        ({ size }) => size,
        () => 0,
      );
  return total;
}
