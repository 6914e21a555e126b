import assert from 'node:assert/strict';
import { mkdir, readdir, readFile, stat, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, test, type TestContext } from 'node:test';
import { KapalError } from '../../src/model/errors.ts';
import { openSources, runGit, temporaryFolder } from './source-fixtures.ts';
import { type GitServer, serveFiles, serveGit } from './source-git-server.ts';

interface World {
  readonly folder: string;
  /** The work tree whose commits are pushed to the served repository. */
  readonly work: string;
  readonly server: GitServer;
  readonly url: string;
  readonly sources: ReturnType<typeof openSources>;
  readonly fetch: (branch?: string | null, url?: string) => ReturnType<ReturnType<typeof openSources>['fetch']>;
  readonly push: (subject: string) => string;
}

async function makeWorld(t: TestContext, options: { password?: string } = {}): Promise<World> {
  const folder = await temporaryFolder(t);
  const [work, served, data] = ['work', 'served', 'data'].map((name) => join(folder, name)) as [string, string, string];
  for (const path of [work, served, data]) await mkdir(path);
  runGit(work, 'init', '--quiet', '--initial-branch=main');
  runGit(served, 'init', '--quiet', '--bare', '--initial-branch=main', 'app.git');
  const server = await serveGit(t, served, options.password);
  const url = `${server.origin}/app.git`;
  const sources = openSources(data);
  return {
    folder,
    work,
    server,
    url,
    sources,
    fetch: (branch = null, from = url) => sources.fetch({ url: from, branch, signal: AbortSignal.timeout(60_000) }),
    push(subject) {
      runGit(work, 'add', '--all');
      runGit(work, 'commit', '--quiet', '--allow-empty', '-m', subject);
      runGit(work, 'push', '--quiet', '--force', join(served, 'app.git'), 'HEAD');
      return runGit(work, 'rev-parse', 'HEAD').trim();
    },
  };
}

describe('a remote repository', () => {
  test('is fetched by its default branch, with commit, author and subject', async (t) => {
    const { work, fetch, push, sources, url } = await makeWorld(t);
    await writeFile(join(work, 'run.sh'), '#!/bin/sh\n', { mode: 0o755 });
    await writeFile(join(work, 'index.html'), 'hello');
    await symlink('index.html', join(work, 'home.html'));
    const commit = push('First: hello\n\nAnd more.');
    const { record, notices } = await fetch();
    assert.deepEqual(record, {
      kind: 'git',
      digest: record.digest,
      url,
      branch: 'main',
      commit,
      author: 'Sari Dewi <sari@example.com>',
      subject: 'First: hello',
    });
    assert.deepEqual(notices, []);
    const tree = sources.read(record.digest);
    assert.deepEqual((await readdir(tree)).toSorted(), ['home.html', 'index.html', 'run.sh']);
    assert.equal(await readFile(join(tree, 'home.html'), 'utf8'), 'hello');
    assert.equal((await stat(join(tree, 'run.sh'))).mode & 0o777, 0o755);
  });

  test('is fetched again when it moved, and asked only once when it did not', async (t) => {
    const { work, fetch, push, server } = await makeWorld(t);
    await writeFile(join(work, 'a'), '1');
    push('one');
    const first = await fetch();
    const before = server.requests.length;
    assert.deepEqual(await fetch(), first);
    assert.deepEqual(server.requests.slice(before).filter((line) => !line.includes('/info/refs')).length, 1);
    await writeFile(join(work, 'a'), '2');
    push('two');
    const second = await fetch();
    assert.equal(second.record.subject, 'two');
    assert.notEqual(second.record.digest, first.record.digest);
    // Back to what it was, by force.
    await writeFile(join(work, 'a'), '1');
    push('three');
    assert.equal((await fetch()).record.digest, first.record.digest);
  });

  test('is fetched by the name of a branch or a tag', async (t) => {
    const { work, fetch, push } = await makeWorld(t);
    await writeFile(join(work, 'a'), 'main');
    const main = push('on main');
    runGit(work, 'switch', '--quiet', '-c', 'feature/x');
    await writeFile(join(work, 'a'), 'feature');
    const feature = push('on a branch');
    runGit(work, 'tag', '-a', 'v1', '-m', 'annotated', main);
    runGit(work, 'push', '--quiet', join(work, '..', 'served', 'app.git'), 'v1');
    const found = [await fetch('feature/x'), await fetch('v1'), await fetch()];
    assert.deepEqual(
      found.map(({ record }) => [record.branch, record.commit]),
      [
        ['feature/x', feature],
        ['v1', main],
        ['main', main],
      ],
    );
  });

  test('keeps its cache small over many fetches', async (t) => {
    const { folder, work, fetch, push } = await makeWorld(t);
    for (let at = 0; at < 23; at += 1) {
      await writeFile(join(work, `f${at}`), String(at));
      push(`commit ${at}`);
      await fetch();
    }
    const [cache] = await readdir(join(folder, 'data', 'git'));
    assert.ok(cache);
    const packs = await readdir(join(folder, 'data', 'git', cache, 'objects', 'pack'));
    assert.ok(packs.filter((name) => name.endsWith('.pack')).length < 20);
    assert.equal((await fetch()).record.subject, 'commit 22');
  });

  test('is fetched once at a time, whoever asks', async (t) => {
    const { work, fetch, push } = await makeWorld(t);
    await writeFile(join(work, 'a'), 'main');
    push('main');
    runGit(work, 'switch', '--quiet', '-c', 'other');
    await writeFile(join(work, 'a'), 'other');
    push('other');
    const found = await Promise.all(['main', 'other', 'main', 'other'].map((branch) => fetch(branch)));
    assert.deepEqual(
      found.map(({ record }) => record.subject),
      ['main', 'other', 'main', 'other'],
    );
  });

  test('is fetched although a killed git left its cache locked', async (t) => {
    const { folder, work, fetch, push } = await makeWorld(t);
    await writeFile(join(work, 'a'), '1');
    push('one');
    await fetch();
    const [cache] = await readdir(join(folder, 'data', 'git'));
    assert.ok(cache);
    for (const lock of ['shallow.lock', 'refs/kapal/fetched.lock'])
      await writeFile(join(folder, 'data', 'git', cache, lock), '');
    push('two');
    assert.equal((await fetch()).record.subject, 'two');
  });

  test('that cannot be fetched says why, and what to do', async (t) => {
    const { work, fetch, push, server } = await makeWorld(t);
    const failure = async (branch: string | null, url?: string) => {
      const error: unknown = await fetch(branch, url).then(
        () => null,
        (reason: unknown) => reason,
      );
      assert.ok(error instanceof KapalError, String(error));
      assert.equal(error.code, 'source_failed', error.message);
      return `${error.message} | ${error.hint}`;
    };
    assert.match(await failure(null), /has no commit yet/);
    assert.match(await failure('main'), /no branch or tag "main" \| It has no branches yet/);
    await writeFile(join(work, 'a'), '1');
    push('one');
    assert.match(await failure('mian'), /no branch or tag "mian" \| It has: main\./);
    assert.match(await failure(null, `${server.origin}/nothing.git`), /not found.*Check the URL/s);
    assert.match(await failure(null, 'http://127.0.0.1:1/a.git'), /Check that this machine reaches the host/);
    assert.match(await failure(null, 'git@127.0.0.1:a.git'), /git could not read git@127.0.0.1:a.git/);
  });

  test('is fetched from a server of plain files too', async (t) => {
    const { folder, work, fetch, push } = await makeWorld(t);
    await writeFile(join(work, 'a'), '1');
    push('one');
    runGit(join(folder, 'served', 'app.git'), 'update-server-info');
    const origin = await serveFiles(t, join(folder, 'served'));
    assert.equal((await fetch(null, `${origin}/app.git`)).record.subject, 'one');
  });

  test('is left alone once the signal is aborted', async (t) => {
    const { sources, url } = await makeWorld(t);
    await assert.rejects(
      sources.fetch({ url, branch: null, signal: AbortSignal.abort(new Error('cancelled')) }),
      /cancelled/,
    );
  });
});

describe('a private repository', () => {
  test('opens to credentials, which are kept nowhere', async (t) => {
    const password = 'p@ss-w0rd-of-the-test';
    const { folder, work, server, push, fetch } = await makeWorld(t, { password });
    await writeFile(join(work, 'a'), '1');
    push('one');
    const url = `${server.origin.replace('//', `//me:${encodeURIComponent(password)}@`)}/app.git`;
    const { record } = await fetch(null, url);
    assert.equal(record.url, `${server.origin}/app.git`);
    for (const path of await readdir(join(folder, 'data'), { recursive: true, withFileTypes: true })) {
      if (!path.isFile()) continue;
      const content = await readFile(join(path.parentPath, path.name), 'latin1');
      assert.ok(
        !content.includes('p@ss') && !content.includes(Buffer.from(`me:${password}`).toString('base64')),
        path.name,
      );
    }
    const refusal = await fetch(null, url.replace('test', 'wrong')).catch((error: unknown) => error);
    assert.ok(refusal instanceof KapalError && refusal.code === 'source_failed');
    assert.match(refusal.hint ?? '', /private/);
    assert.doesNotMatch(JSON.stringify(refusal.toDocument()), /p@ss|p%40ss/);
  });
});

describe('a repository with what is left out', () => {
  test('says so', async (t) => {
    const { work, fetch, push } = await makeWorld(t);
    await writeFile(join(work, '.gitattributes'), '*.bin filter=lfs diff=lfs merge=lfs -text\n');
    await writeFile(join(work, 'a.bin'), 'version https://git-lfs.github.com/spec/v1\n');
    push('one');
    const commit = runGit(work, 'rev-parse', 'HEAD').trim();
    runGit(work, 'update-index', '--add', '--cacheinfo', `160000,${commit},lib/m`);
    await mkdir(join(work, 'lib', 'm'), { recursive: true });
    push('two');
    const said = (await fetch()).notices.join();
    assert.match(said, /"lib\/m" is a submodule and is left out/);
    assert.match(said, /Git LFS/);
  });
});
