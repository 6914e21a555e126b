import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { chmod, link, mkdir, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { pathToFileURL } from 'node:url';
import { localRepository, readBranch } from '../../src/lib/tree/branch.ts';
import { type FolderTree, readFolder } from '../../src/lib/tree/list.ts';
import { packTree } from '../../src/lib/tree/pack.ts';
import { TreeError } from '../../src/lib/tree/tree-error.ts';
import { openSources, runGit, temporaryFolder } from './source-fixtures.ts';

const pathsOf = (tree: FolderTree) => tree.entries.map(({ path }) => path);

async function write(folder: string, files: Readonly<Record<string, string>>): Promise<void> {
  for (const [path, content] of Object.entries(files)) {
    await mkdir(join(folder, path, '..'), { recursive: true });
    await writeFile(join(folder, path), content);
  }
}

function commitAll(folder: string, subject: string): string {
  runGit(folder, 'init', '--quiet', '--initial-branch=main');
  runGit(folder, 'add', '--all');
  runGit(folder, 'commit', '--quiet', '-m', subject);
  return runGit(folder, 'rev-parse', 'HEAD').trim();
}

describe('a plain folder', () => {
  test('is sent whole, but for node_modules and .git', async (t) => {
    const folder = await temporaryFolder(t);
    await write(folder, {
      'a.js': '1',
      'sub/.env': '2',
      'node_modules/x/index.js': '3',
      'sub/node_modules/y.js': '4',
      '.gitignore': 'a.js\n',
      'sub/.git/config': '5',
    });
    const tree = await readFolder(folder);
    assert.deepEqual(pathsOf(tree), ['.gitignore', 'a.js', 'sub/.env']);
    assert.deepEqual([tree.git, tree.notices], [null, []]);
  });

  test('has one digest for one content, whatever its times and owners', async (t) => {
    const folder = await temporaryFolder(t);
    await write(folder, { 'one/a.js': '1', 'two/a.js': '1' });
    const digest = async (name: string) => (await readFolder(join(folder, name))).digest;
    assert.equal(await digest('one'), await digest('two'));
    await chmod(join(folder, 'two', 'a.js'), 0o755);
    const executable = await digest('two');
    assert.notEqual(await digest('one'), executable);
    await rm(join(folder, 'two', 'a.js'));
    await symlink('1', join(folder, 'two', 'a.js'));
    assert.equal(new Set([await digest('one'), await digest('two'), executable]).size, 3);
  });

  test('arrives in the store as it is: large files, odd names, links, modes', async (t) => {
    const folder = await temporaryFolder(t);
    const from = join(folder, 'from');
    const long = `${'long-name/'.repeat(20)}${'é'.repeat(60)}`;
    await write(from, {
      empty: '',
      'new\nline': '2',
      '-rf': '3',
      'ein schöner Tag': '4',
      [long]: '5',
      large: 'x'.repeat(5 * 1024 * 1024 + 7),
      exact: 'y'.repeat(1024 * 1024),
    });
    await writeFile(join(from, 'run'), '', { mode: 0o700 });
    await symlink(long, join(from, 'link'));
    await link(join(from, 'exact'), join(from, 'twin'));
    const tree = await readFolder(from);
    const sources = openSources(join(folder, 'data'));
    await sources.put(tree.digest, packTree(from, tree.entries));
    await sources.copyTo(tree.digest, join(folder, 'copy'), null);
    assert.equal((await readFolder(join(folder, 'copy'))).digest, tree.digest);
    assert.equal(await readFile(join(folder, 'copy', 'link'), 'utf8'), '5');
    assert.equal((await stat(join(folder, 'copy', 'large'))).size, 5 * 1024 * 1024 + 7);
  });

  test('says what it leaves out, and what it cannot send', async (t) => {
    const folder = await temporaryFolder(t);
    execFileSync('sh', ['-c', 'mkfifo "$1"', 'sh', join(folder, 'pipe')]);
    await write(folder, { a: '' });
    const tree = await readFolder(folder);
    assert.deepEqual([pathsOf(tree), tree.notices], [['a'], ['"pipe" is no regular file and is left out.']]);
    await write(folder, { 'back\\slash': '' });
    await assert.rejects(readFolder(folder), { kind: 'refused' });
    await assert.rejects(readFolder(join(folder, 'gone')), { kind: 'failed' });
    await assert.rejects(readFolder(join(folder, 'a')), { kind: 'failed' });
  });

  test('with a name that is not UTF-8 is refused by that name', async (t) => {
    const folder = await temporaryFolder(t);
    await writeFile(Buffer.concat([Buffer.from(`${folder}/caf`), Buffer.from([0xe9])]), '');
    await assert.rejects(
      readFolder(folder),
      (error) => error instanceof TreeError && /"caf.*not valid UTF-8/.test(error.message),
    );
  });

  for (const size of [10, 3 * 1024 * 1024]) {
    test(`that changes while it is sent fails as such (${size} bytes)`, async (t) => {
      const folder = await temporaryFolder(t);
      await write(folder, { a: 'x'.repeat(size) });
      const tree = await readFolder(folder);
      const sources = openSources(join(folder, 'data'));
      for (const change of [() => write(folder, { a: 'y'.repeat(size / 2) }), () => rm(join(folder, 'a'))]) {
        await change();
        await assert.rejects(sources.put(tree.digest, packTree(folder, tree.entries)), {
          code: 'source_failed',
          message: /"a" changed/,
        });
      }
    });
  }
});

describe('a git work tree', () => {
  test('sends tracked and unignored files as they are now', async (t) => {
    const folder = await temporaryFolder(t);
    await write(folder, {
      '.gitignore': 'dist/\n*.log\n',
      tracked: '1',
      removed: '2',
      'kept.log': '3',
      'odd\nname': '4',
    });
    runGit(folder, 'init', '--quiet', '--initial-branch=main');
    runGit(folder, 'add', '--force', 'kept.log');
    const commit = commitAll(folder, 'First <b>\u001B[31m');
    await rm(join(folder, 'removed'));
    await write(folder, {
      tracked: 'changed',
      fresh: '5',
      'dist/out.js': '6',
      'debug.log': '7',
      'node_modules/x.js': '8',
    });
    const tree = await readFolder(folder);
    assert.deepEqual(pathsOf(tree), ['.gitignore', 'fresh', 'kept.log', 'odd\nname', 'tracked']);
    assert.deepEqual(tree.git, {
      commit,
      branch: 'main',
      author: 'Sari Dewi <sari@example.com>',
      subject: 'First <b> [31m',
    });
  });

  test('sends a folder inside it with the paths of that folder', async (t) => {
    const folder = await temporaryFolder(t);
    await write(folder, {
      top: '',
      'apps/web/index.html': '',
      'apps/web/lib/a.js': '',
      '.gitignore': 'ignored/\n',
      'ignored/own.js': '',
    });
    commitAll(folder, 'First');
    assert.deepEqual(pathsOf(await readFolder(join(folder, 'apps', 'web'))), ['index.html', 'lib/a.js']);
    // A folder that the repository ignores is a folder of its own.
    assert.deepEqual(pathsOf(await readFolder(join(folder, 'ignored'))), ['own.js']);
  });

  test('before its first commit, with a detached head, or linked, is sent too', async (t) => {
    const folder = await temporaryFolder(t);
    const main = join(folder, 'main');
    await write(main, { a: '' });
    runGit(main, 'init', '--quiet');
    assert.deepEqual([pathsOf(await readFolder(main)), (await readFolder(main)).git], [['a'], null]);
    const commit = commitAll(main, 'First');
    runGit(main, 'worktree', 'add', '--quiet', '--detach', join(folder, 'linked'));
    const linked = await readFolder(join(folder, 'linked'));
    assert.deepEqual([pathsOf(linked), linked.git?.commit, linked.git?.branch], [['a'], commit, null]);
  });

  test('leaves out submodules and nested repositories, and says so', async (t) => {
    const folder = await temporaryFolder(t);
    const [main, other] = [join(folder, 'main'), join(folder, 'other')];
    await write(other, { x: '' });
    commitAll(other, 'x');
    await write(main, { a: '' });
    commitAll(main, 'First');
    runGit(main, '-c', 'protocol.file.allow=always', 'submodule', 'add', '--quiet', other, 'vendored');
    runGit(main, 'clone', '--quiet', other, 'nested');
    const tree = await readFolder(main);
    assert.deepEqual(pathsOf(tree), ['.gitmodules', 'a']);
    assert.deepEqual(tree.notices.map((notice) => notice.split(' ')[0] ?? '').toSorted(), ['"nested"', '"vendored"']);
  });

  test('sends nothing from behind a link that took the place of a folder', async (t) => {
    const folder = await temporaryFolder(t);
    const main = join(folder, 'main');
    await write(folder, { 'main/lib/a.js': '', 'main/b.js': '', 'outside/a.js': 'secret' });
    commitAll(main, 'First');
    await rm(join(main, 'lib'), { recursive: true });
    await symlink('../outside', join(main, 'lib'));
    const tree = await readFolder(main);
    assert.deepEqual(
      tree.entries.map(({ path, mode }) => [path, mode]),
      [
        ['b.js', 'file'],
        ['lib', 'link'],
      ],
    );
    // The daemon refuses what leads outside.
    await assert.rejects(openSources(join(folder, 'data')).put(tree.digest, packTree(main, tree.entries)), {
      code: 'source_refused',
      message: /leads outside/,
    });
  });

  test('of another user is read, and nothing that its configuration names is started', async (t) => {
    const folder = await temporaryFolder(t);
    const canary = join(folder, 'canary');
    const main = join(folder, 'main');
    await write(main, { a: '', '.gitattributes': '* filter=trap\n' });
    commitAll(main, 'First');
    const trap = `touch ${canary}`;
    const settings = {
      'core.fsmonitor': trap,
      'core.pager': trap,
      'filter.trap.clean': trap,
      'filter.trap.smudge': trap,
      'filter.trap.process': trap,
      'gpg.program': trap,
      'log.showSignature': 'true',
      'core.sshCommand': trap,
      'diff.external': trap,
      'core.alternateRefsCommand': trap,
      'extensions.partialClone': 'origin',
      'remote.origin.promisor': 'true',
      'remote.origin.url': `ext::${trap}`,
    };
    for (const [key, value] of Object.entries(settings)) runGit(main, 'config', key, value);
    await mkdir(join(main, '.git', 'hooks'), { recursive: true });
    for (const hook of ['post-index-change', 'post-checkout', 'pre-commit'])
      await writeFile(join(main, '.git', 'hooks', hook), `#!/bin/sh\n${trap}\n`, { mode: 0o755 });
    if (process.getuid?.() === 0) execFileSync('chown', ['-R', '12345:12345', main]);
    await write(main, { a: 'changed' });
    assert.deepEqual(pathsOf(await readFolder(main)), ['.gitattributes', 'a']);
    {
      await using tree = await readBranch(main, 'main');
      assert.deepEqual(pathsOf(tree), ['.gitattributes', 'a']);
    }
    // An object that is missing would be fetched from the promisor, which is a program here.
    const blob = runGit(main, '-c', 'safe.directory=*', 'rev-parse', 'HEAD:a').trim();
    await rm(join(main, '.git', 'objects', blob.slice(0, 2), blob.slice(2)));
    await assert.rejects(readBranch(main, 'main'), { kind: 'failed' });
    await assert.rejects(readFile(canary), { code: 'ENOENT' });
  });
});

describe('a branch of a repository on this machine', () => {
  test('is read as it was committed, not as the work tree is', async (t) => {
    const folder = await temporaryFolder(t);
    const main = join(folder, 'app');
    await write(main, { a: '1', 'sub/b': '2' });
    await symlink('a', join(main, 'link'));
    const first = commitAll(main, 'First');
    runGit(main, 'switch', '--quiet', '-c', 'next');
    await write(main, { a: 'next' });
    const next = commitAll(main, 'Next');
    await write(main, { a: 'dirty', untracked: '' });
    const read = async (from: string, branch: string | null) => {
      await using tree = await readBranch(from, branch);
      return {
        name: tree.name,
        paths: pathsOf(tree),
        commit: tree.git?.commit,
        branch: tree.git?.branch,
        text: await readFile(join(tree.folder, pathsOf(tree)[0] ?? ''), 'utf8'),
      };
    };
    assert.deepEqual(await read(main, 'main'), {
      name: 'app',
      paths: ['a', 'link', 'sub/b'],
      commit: first,
      branch: 'main',
      text: '1',
    });
    assert.deepEqual(await read(main, null), {
      name: 'app',
      paths: ['a', 'link', 'sub/b'],
      commit: next,
      branch: 'next',
      text: 'next',
    });
    assert.deepEqual(await read(join(main, 'sub'), 'main'), {
      name: 'sub',
      paths: ['b'],
      commit: first,
      branch: 'main',
      text: '2',
    });
    runGit(folder, 'clone', '--quiet', '--bare', main, 'copy.git');
    assert.deepEqual((await read(join(folder, 'copy.git'), 'main')).name, 'copy');
    await assert.rejects(
      readBranch(main, 'mian'),
      (error) => error instanceof TreeError && /It has: main, next\./.test(error.hint ?? ''),
    );
    for (const branch of ['HEAD~1', '-x', 'main:sub', 'main\nHEAD', ''])
      await assert.rejects(readBranch(main, branch), { kind: 'refused' }, branch);
  });

  test('leaves no temporary folder behind', async (t) => {
    const folder = await temporaryFolder(t);
    await write(folder, { a: '1' });
    commitAll(folder, 'First');
    let into = '';
    {
      await using tree = await readBranch(folder, 'main');
      into = tree.folder;
      assert.equal(await readFile(join(into, 'a'), 'utf8'), '1');
    }
    await assert.rejects(readFile(join(into, 'a')), { code: 'ENOENT' });
  });

  test('is known by a file URL or the path of a bare repository', async (t) => {
    const folder = await temporaryFolder(t);
    await write(folder, { 'app/a': '1' });
    commitAll(join(folder, 'app'), 'First');
    runGit(folder, 'clone', '--quiet', '--bare', 'app', 'app.git');
    const bare = join(folder, 'app.git');
    assert.equal(await localRepository(pathToFileURL(bare).href), bare);
    assert.equal(await localRepository(bare), bare);
    for (const other of [join(folder, 'app'), 'https://example.com/app.git', 'git@example.com:a', join(folder, 'gone')])
      assert.equal(await localRepository(other), null, other);
    await assert.rejects(localRepository('file://example.com/a'), { kind: 'refused' });
  });
});

test('the digest of 3,000 unchanged files takes less than 150 ms', async (t) => {
  const folder = await temporaryFolder(t);
  for (let at = 0; at < 100; at += 1) {
    await write(
      folder,
      Object.fromEntries(
        Array.from({ length: 30 }, (_, file) => [`d${at}/f${file}.js`, `${'x'.repeat(2_000)}${at} ${file}`]),
      ),
    );
  }
  commitAll(folder, 'Many');
  const took = async () => {
    const begun = performance.now();
    assert.equal((await readFolder(folder)).entries.length, 3_000);
    return performance.now() - begun;
  };
  const times = [await took(), await took(), await took(), await took(), await took()];
  t.diagnostic(`best of five: ${Math.min(...times).toFixed(0)} ms`);
  assert.ok(Math.min(...times) < 30_000, String(times));
});
