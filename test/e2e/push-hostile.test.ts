import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { request } from 'node:http';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { webApp } from './apps.ts';
import { TestKapal } from './kapal.ts';
import { Developer } from './pushing.ts';

/** Who has the token may deploy, and nothing beyond: no file outside is written or read, and no command of theirs runs but those that are declared. */
describe('a hostile push', () => {
  let kapal: TestKapal;
  let mallory: Developer;
  before(async () => {
    kapal = await TestKapal.start();
    mallory = await Developer.begin(kapal, 'toko');
    await mallory.commit('Harmless', webApp('harmless'));
    assert.equal((await mallory.push()).code, 0);
  });
  after(async () => {
    await kapal[Symbol.asyncDispose]();
  });

  const trap = () => join(kapal.folder, 'trap');
  const pushed = () => join(kapal.data, 'git', 'pushed');
  /** Everything in the repositories but objects, which lie there until they are collected. */
  const names = () =>
    readdirSync(pushed(), { recursive: true, encoding: 'utf8' })
      .filter((path) => !path.includes('objects'))
      .toSorted((a, b) => (a < b ? -1 : 1));
  const stays = async () => {
    assert.equal(existsSync(trap()), false, 'a command of the pusher ran');
    assert.equal((await kapal.visit('toko.localhost')).body, 'harmless');
  };

  /** A commit of these entries, written past all checks of git's own commands. */
  function commitOf(entries: readonly (readonly [mode: string, name: string, content: string])[]): string {
    const git = (args: readonly string[], input: string | Buffer) =>
      execFileSync('git', args, { cwd: mallory.folder, input, encoding: 'utf8' }).trim();
    const records = entries.map(([mode, name, content]) => {
      const oid = mode === '160000' ? content : git(['hash-object', '-w', '--stdin'], content);
      return Buffer.concat([Buffer.from(`${mode} ${name}\0`), Buffer.from(oid, 'hex')]);
    });
    const tree = git(['hash-object', '-t', 'tree', '-w', '--stdin', '--literally'], Buffer.concat(records));
    const who = 'M <m@example.com> 1700000000 +0000';
    return git(
      ['hash-object', '-t', 'commit', '-w', '--stdin'],
      `tree ${tree}\nauthor ${who}\ncommitter ${who}\n\n\u001b[31mred\n`,
    );
  }

  for (const [what, entries] of [
    ['a name that leads out', [['100644', '..', 'x']]],
    ['a name with a path in it', [['100644', '../../../trap', 'x']]],
    ['a link out of the tree', [['120000', 'out', '../../../../keys/api-token']]],
    ['an absolute link', [['120000', 'out', '/etc/passwd']]],
  ] as const) {
    test(`${what} is refused`, async () => {
      const commit = commitOf([...entries]);
      const said = await mallory.push('--force', 'kapal', `${commit}:refs/heads/main`);
      assert.match(said.said, /deploy failed: /, said.said);
      await stays();
    });
  }

  test('hooks, filters, submodules and configuration in the tree mean nothing', async () => {
    const script = `#!/bin/sh\ntouch ${trap()}\n`;
    await mallory.git('reset', '--quiet', '--hard');
    for (const key of [
      'filter.evil.smudge',
      'filter.evil.process',
      'core.fsmonitor',
      'core.sshCommand',
      'uploadpack.packObjectsHook',
    ])
      await mallory.git('config', key, `touch ${trap()}.mine`);
    const commit = commitOf([
      ['100644', '.gitattributes', '* filter=evil diff=evil\n'],
      ['100644', '.gitmodules', '[submodule "x"]\n\tpath = x\n\turl = ext::sh -c "touch ' + trap() + '"\n'],
      ['100755', 'post-receive', script],
      ['100755', 'pre-receive', script],
      ['100644', 'server.js', webApp('harmless')['server.js'] ?? ''],
      ['160000', 'x', '1'.repeat(40)],
    ]);
    const said = await mallory.push('--force', 'kapal', `${commit}:refs/heads/main`);
    assert.equal(said.code, 0, said.said);
    assert.match(said.said, /"x" is a submodule and is left out/);
    assert.equal(said.said.includes('\u001b'), false, 'the pusher cannot colour what another one reads');
    await stays();
    const config = readFileSync(join(pushed(), 'toko.git', 'config'), 'utf8');
    assert.equal(config.includes('evil'), false);
  });

  for (const [what, ref] of [
    ['a newline', 'refs/heads/a\nb'],
    ['a way out', 'refs/heads/../../../../trap'],
    ['an option', '--upload-pack=touch'],
    ['a lock', 'refs/heads/x.lock'],
    ['no folder of refs', 'hooks/post-update'],
    ['a huge name', `refs/heads/${'a/'.repeat(600)}b`],
  ] as const) {
    test(`a ref whose name is ${what} is refused by its name`, async () => {
      const before = names();
      const commit = (await mallory.git('rev-parse', 'HEAD')).said.trim();
      const answer = await receivePack(`${'0'.repeat(40)} ${commit} ${ref}\0report-status`);
      assert.doesNotMatch(answer, /^[0-9a-f]{4}ok /m);
      assert.deepEqual(names(), before);
      await stays();
    });
  }

  test('a branch that looks like an option is stored under its name', async () => {
    const said = await mallory.push('kapal', 'HEAD:refs/heads/--exec=touch');
    assert.equal(said.code, 0, said.said);
    assert.match(said.said, /stored and not deployed/);
    const set = await kapal.run('git', 'set', 'toko', '--branch=--exec=touch');
    assert.notEqual(set.code, 0);
    await stays();
  });

  test('many refs at once are taken', async () => {
    const { said: commit } = await mallory.git('rev-parse', 'HEAD');
    const lines = Array.from({ length: 3_000 }, (_, index) => `create refs/heads/many/${index} ${commit.trim()}\n`);
    writeFileSync(join(mallory.folder, '.git', 'many'), lines.join(''));
    execFileSync('git', ['update-ref', '--stdin'], { cwd: mallory.folder, input: lines.join('') });
    const said = await mallory.push('kapal', 'refs/heads/many/*:refs/heads/many/*');
    assert.equal(said.code, 0, said.said.slice(-500));
    assert.match(said.said, /stored and not deployed: "many\/0".*\.\.\.; main is deployed/);
    await stays();
  });

  test('what is asked of the hooks is asked by this machine alone, of pushes that go on', async () => {
    const { origin } = new URL(mallory.remote);
    const authorization = `Bearer ${(await kapal.run('token')).stdout.trim()}`;
    const headers = { authorization, 'content-type': 'application/x-kapal-push' };
    const body = `${JSON.stringify({ options: [], quarantine: '../../..' })}\n`;
    const asked = await fetch(`${origin}/api/v1/pushes/push-x/pre-receive`, { method: 'POST', headers, body });
    assert.equal(asked.status, 403);
  });

  /** One command of a push (gitprotocol-pack(5)) with an empty pack, as no client would send it. */
  async function receivePack(command: string): Promise<string> {
    const place = new URL(`${mallory.remote}/git-receive-pack`);
    const line = Buffer.from(`${command}\n`);
    const size = (line.length + 4).toString(16).padStart(4, '0');
    const pack = execFileSync('git', ['pack-objects', '--stdout'], { cwd: mallory.folder, input: '' });
    const sent = Buffer.concat([Buffer.from(size), line, Buffer.from('0000'), pack]);
    const token = (await kapal.run('token')).stdout.trim();
    const headers = {
      authorization: `Basic ${Buffer.from(`any:${token}`).toString('base64')}`,
      'content-type': 'application/x-git-receive-pack-request',
    };
    return new Promise((resolve, reject) => {
      const asking = request(place, { method: 'POST', headers }, (response) => {
        let text = '';
        response.setEncoding('utf8').on('data', (part: string) => (text += part));
        response.on('error', reject).on('end', () => resolve(text));
      });
      asking.on('error', reject);
      asking.end(sent);
    });
  }
});
