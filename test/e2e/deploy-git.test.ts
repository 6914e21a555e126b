import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { promisify } from 'node:util';
import type { FailureDocument, ReleaseDocument } from '../../src/api/contract/types.ts';
import { serveGit } from '../integration/source-git-server.ts';
import { webApp } from './apps.ts';
import { TestKapal } from './kapal.ts';

const run = promisify(execFile);

/** A repository as a developer has it, deployed from its folder, by branch, and from a server. */
describe('from git', () => {
  let kapal: TestKapal;
  let folder = '';
  before(async () => {
    kapal = await TestKapal.start();
    folder = await kapal.project('toko', { ...webApp('first'), '.gitignore': 'secret.txt\n' });
    await git('init', '--initial-branch=main', '--quiet');
    await commit('Open the shop');
    await git('checkout', '--quiet', '-b', 'promo');
    await write(webApp('promo'));
    await commit('Sell at half the price\n\nUntil the end of the month.');
    await git('checkout', '--quiet', 'main');
  });
  after(async () => {
    await kapal[Symbol.asyncDispose]();
  });

  const answer = async () => (await kapal.visit('toko.localhost')).body;
  const newest = async () => (await kapal.json<readonly ReleaseDocument[]>(['releases', 'toko']))[0];

  test('a branch of a repository on this machine: what is committed, not what lies in the folder', async () => {
    await write(webApp('not committed'));
    const document = await kapal.deploy(folder, '--branch', 'promo');
    assert.equal(document.services[0]?.outcome, 'live');
    assert.equal(await answer(), 'promo');
    const { source } = (await newest()) ?? {};
    assert.deepEqual([source?.branch, source?.commit], ['promo', await head('promo')]);
    assert.deepEqual([source?.author, source?.subject], ['Sari <sari@example.com>', 'Sell at half the price']);
    const { error } = await kapal.json<FailureDocument>(['deploy', folder, '--branch', 'prommo'], 1);
    assert.match(`${error.message} ${error.hint}`, /prommo/);
    assert.match(
      (await kapal.run('releases', 'toko')).stdout,
      new RegExp(`${(await head('promo')).slice(0, 12)} promo "Sell at half the price"`),
    );
  });

  test('the folder itself: tracked and unignored files as they lie, with the commit that they stand on', async () => {
    await writeFile(join(folder, 'secret.txt'), 'ignored by git');
    await write({
      ...webApp('in the folder'),
      'package.json': '{"private":true,"scripts":{"start":"ls > list.txt; node server.js"}}',
    });
    await kapal.deploy(folder);
    assert.equal(await answer(), 'in the folder');
    const { source } = (await newest()) ?? {};
    assert.equal(source?.kind, 'folder');
    assert.equal(source?.commit, await head('main'));
    assert.equal(source?.subject, 'Open the shop');
    await git('checkout', '--quiet', '--', '.');
    await git('clean', '-fdq');
  });

  test('a repository served by git over HTTP: fetched by the daemon, its branch, then its next commit', async (t) => {
    const { origin, requests } = await serveGit(t, kapal.folder);
    const url = `${origin}/toko/.git`;
    const first = await kapal.deploy(url, '--branch', 'promo', '--project', 'toko');
    assert.equal(first.services[0]?.outcome, 'live');
    assert.equal(await answer(), 'promo');
    assert.ok(requests.some((line) => line.includes('git-upload-pack')));
    const { source } = (await newest()) ?? {};
    assert.deepEqual(
      [source?.kind, source?.url, source?.branch, source?.commit, source?.subject],
      ['git', url, 'promo', await head('promo'), 'Sell at half the price'],
    );
    assert.equal((await kapal.deploy(url, '--branch', 'promo', '--project', 'toko')).services[0]?.outcome, 'unchanged');
    await write(webApp('second'));
    await commit('Restock');
    await kapal.deploy(url, '--project', 'toko');
    assert.equal(await answer(), 'second', 'without --branch it is the default one');
    assert.equal((await newest())?.source?.subject, 'Restock');
  });

  test('the project is named after the repository where nothing else names it', async (t) => {
    const { origin } = await serveGit(t, kapal.folder);
    await run('git', ['clone', '--quiet', '--bare', folder, join(kapal.folder, 'Warung Kita.git')]);
    const document = await kapal.deploy(`${origin}/Warung%20Kita.git`);
    assert.deepEqual([document.project, document.services[0]?.service], ['warung-kita', 'warung-kita']);
    const bare = await kapal.deploy(join(kapal.folder, 'Warung Kita.git'));
    assert.deepEqual([bare.project, bare.services[0]?.outcome], ['warung-kita', 'unchanged']);
  });

  test('a remote that cannot be fetched fails with what git said, and nothing changes', async (t) => {
    const { origin } = await serveGit(t, kapal.folder);
    const before = await newest();
    const missing = await kapal.json<FailureDocument>(['deploy', `${origin}/nowhere.git`, '--project', 'toko'], 1);
    assert.equal(missing.error.code, 'source_failed');
    const branch = await kapal.json<FailureDocument>(
      ['deploy', `${origin}/toko/.git`, '--branch', 'nope', '--project', 'toko'],
      1,
    );
    assert.match(branch.error.message, /nope/);
    assert.deepEqual(await newest(), before);
    assert.equal(await answer(), 'second');
  });

  test('transports that run programs are refused, and a branch that looks like an option', async () => {
    for (const url of ['ext::sh -c "touch /tmp/owned"', 'fd::17', 'git@-oProxyCommand=x:shop']) {
      const { error } = await kapal.json<FailureDocument>(['deploy', url], 2);
      assert.equal(error.code, 'source_refused', `${url}: ${error.message}`);
    }
    const option = await kapal.run('deploy', folder, '--branch=--upload-pack=touch /tmp/owned');
    assert.notEqual(option.code, 0);
  });

  function git(...words: readonly string[]): Promise<{ stdout: string }> {
    const who = ['-c', 'user.name=Sari', '-c', 'user.email=sari@example.com'];
    return run('git', [...who, ...words], { cwd: folder });
  }

  async function commit(message: string): Promise<void> {
    await git('add', '--all');
    await git('commit', '--quiet', '-m', message);
  }

  async function head(branch: string): Promise<string> {
    return (await git('rev-parse', branch)).stdout.trim();
  }

  async function write(files: Readonly<Record<string, string>>): Promise<void> {
    for (const [path, text] of Object.entries(files)) await writeFile(join(folder, path), text);
  }
});
