import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { createHmac, randomUUID } from 'node:crypto';
import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, afterEach, before, describe, test, type TestContext } from 'node:test';
import type { HookAdded, HookDocument } from '../../src/api/contract/hook-types.ts';
import type { FailureDocument } from '../../src/api/contract/types.ts';
import { serveGit } from '../integration/source-git-server.ts';
import { webApp } from './apps.ts';
import { TestKapal, until } from './kapal.ts';
import { gitIn } from './pushing.ts';

interface Added extends HookAdded {
  readonly url: string | null;
}

/** A team pushes to its provider, which calls Kapal. */
describe('hooks', () => {
  let kapal: TestKapal;
  let folder = '';
  before(async () => {
    kapal = await TestKapal.prepare();
    const programs = join(kapal.folder, 'programs');
    mkdirSync(programs);
    writeFileSync(join(programs, 'ssh'), standInSsh(kapal.folder));
    chmodSync(join(programs, 'ssh'), 0o755);
    kapal.more = { PATH: `${programs}:${process.env['PATH']}` };
    await kapal.up();
    folder = join(kapal.folder, 'served', 'shop');
  });
  afterEach(() => kapal.clear());
  after(async () => {
    await kapal[Symbol.asyncDispose]();
  });

  const releaseOf = async (name: string) => (await kapal.ps()).find(({ service }) => service === name)?.release ?? null;

  async function commit(files: Readonly<Record<string, string>>): Promise<string> {
    for (const [path, text] of Object.entries(files)) {
      mkdirSync(join(folder, path, '..'), { recursive: true });
      writeFileSync(join(folder, path), text);
    }
    for (const words of [
      ['init', '--quiet', '--initial-branch=main'],
      ['add', '--all'],
      ['commit', '--quiet', '-m', 'Change'],
    ])
      assert.equal((await gitIn(folder, words)).code, 0);
    return (await gitIn(folder, ['rev-parse', 'HEAD'])).said.trim();
  }

  async function remote(t: TestContext): Promise<string> {
    const { origin } = await serveGit(t, join(kapal.folder, 'served'));
    return `${origin}/shop/.git`;
  }

  const monorepo = (text: string, more = '') => ({
    'kapal.yaml': [
      'services:',
      '  - {type: web, name: api, runtime: node, rootDir: api, startCommand: node server.js}',
      '  - {type: web, name: site, runtime: node, rootDir: site, startCommand: node server.js, buildFilter: {paths: [site/**, shared/**], ignoredPaths: ["**/*.md"]}}',
      '  - {type: web, name: hand, runtime: node, startCommand: node api/server.js, autoDeployTrigger: off}',
      more,
    ].join('\n'),
    'api/server.js': webApp(text)['server.js'] ?? '',
    'site/server.js': webApp(text)['server.js'] ?? '',
  });

  test('GitHub calls: the services that the push changes are deployed; a delivery is taken once, and only with its signature', async (t) => {
    const first = await commit(monorepo('first'));
    const added = await kapal.json<Added>([
      'hook',
      'add',
      'shop',
      '--provider',
      'github',
      '--repo',
      await remote(t),
      '--branch',
      'main',
    ]);
    const { secret, url, hook } = added;
    assert.ok(secret !== null && url !== null);
    assert.equal(url, `http://127.0.0.1:${kapal.api}/hooks/${hook.id}`);
    const deliver = (body: string, change: Readonly<Record<string, string>> = {}) =>
      fetch(url, {
        method: 'POST',
        body,
        headers: {
          'content-type': 'application/json',
          'x-github-event': 'push',
          'x-github-delivery': randomUUID(),
          'x-hub-signature-256': `sha256=${createHmac('sha256', secret).update(body).digest('hex')}`,
          ...change,
        },
      });
    const push = (after: string) => JSON.stringify({ ref: 'refs/heads/main', after, pushed: randomUUID() });

    assert.equal((await deliver('{"zen":"x"}', { 'x-github-event': 'ping' })).status, 200);
    const forged = await deliver(push(first), { 'x-hub-signature-256': `sha256=${'0'.repeat(64)}` });
    assert.equal(forged.status, 401);
    assert.equal(((await forged.json()) as FailureDocument).error.code, 'unauthorized');
    assert.equal((await deliver('no JSON')).status, 400);
    assert.equal((await deliver(JSON.stringify({ ref: 'refs/heads/dev', after: first }))).status, 200);
    assert.equal((await fetch(`${url}x`, { method: 'POST', body: '{}' })).status, 404);
    assert.deepEqual(await kapal.ps(), [], 'nothing of this deploys');

    const body = push(first);
    const id = randomUUID();
    assert.equal((await deliver(body, { 'x-github-delivery': id })).status, 202);
    await until('both are live', async () => (await releaseOf('api')) === 1 && (await releaseOf('site')) === 1);
    assert.equal(await releaseOf('hand'), null, 'autoDeployTrigger: off');
    assert.equal((await deliver(body, { 'x-github-delivery': id })).status, 409);
    assert.equal((await deliver(body)).status, 409, 'an id that is not signed makes no new delivery');
    assert.equal((await deliver(push('2'.repeat(40)), { 'x-github-delivery': id })).status, 409);

    const seen = (wanted: string) => async () =>
      (await kapal.get<readonly HookDocument[]>('/hooks'))[0]?.commit === wanted;
    const second = await commit({ 'api/server.js': webApp('second')['server.js'] ?? '', 'site/README.md': 'x' });
    await deliver(push(second));
    await until('the api is live', async () => (await releaseOf('api')) === 2);
    await until('it serves', async () => (await kapal.visit('api.localhost')).body === 'second');
    const third = await commit({ 'shared/x.js': '', 'docs/y': '' });
    await deliver(push(third));
    await until('the site is live', async () => (await releaseOf('site')) === 2);
    await until('it is seen', seen(third));
    const fourth = await commit({ 'docs/z': '' });
    await deliver(push(fourth));
    await until('it is seen', seen(fourth));
    assert.deepEqual([await releaseOf('api'), await releaseOf('site')], [2, 2]);

    const wrong = await commit({ 'kapal.yaml': 'services: [{type: webb, name: api}]\n' });
    await deliver(push(wrong));
    await until('it is seen', seen(wrong));
    const [told] = await kapal.json<readonly HookDocument[]>(['hook', 'list']);
    assert.match(told?.problem ?? '', /kapal\.yaml:1:\d+/);
    assert.match((await kapal.run('events')).stdout, /kapal\.yaml:1:\d+/);
    await kapal.json(['hook', 'remove', hook.id]);
    assert.equal((await deliver(push(wrong))).status, 404);
  });

  for (const [provider, head] of [
    ['gitlab', (secret: string) => ({ 'x-gitlab-event': 'Push Hook', 'x-gitlab-token': secret })],
    [
      'gitea',
      (secret: string, body: string) => ({
        'x-gitea-event': 'push',
        'x-gitea-delivery': randomUUID(),
        'x-gitea-signature': createHmac('sha256', secret).update(body).digest('hex'),
      }),
    ],
    [
      'bitbucket',
      (secret: string, body: string) => ({
        'x-event-key': 'repo:push',
        'x-request-uuid': randomUUID(),
        'x-hub-signature': `sha256=${createHmac('sha256', secret).update(body).digest('hex')}`,
      }),
    ],
  ] as const) {
    test(`${provider} calls, and the daemon that took the delivery is killed: the next one deploys it`, async (t) => {
      await commit(monorepo(provider));
      const { secret, url } = await kapal.json<Added>([
        'hook',
        'add',
        'shop',
        '--provider',
        provider,
        '--repo',
        await remote(t),
      ]);
      assert.ok(secret !== null && url !== null);
      const body = JSON.stringify(
        provider === 'bitbucket'
          ? { push: { changes: [{ new: { type: 'branch', name: 'main' } }] } }
          : { ref: 'refs/heads/main', after: '1'.repeat(40) },
      );
      const answer = await fetch(url, {
        method: 'POST',
        body,
        headers: { 'content-type': 'application/json', ...head(secret, body) },
      });
      assert.equal(answer.status, 202, await answer.text());
      await kapal.killDaemon();
      await kapal.up();
      await until('it is live', async () => (await releaseOf('api')) === 1);
      await until('it serves', async () => (await kapal.visit('api.localhost')).body === provider);
    });
  }

  test('a remote that cannot call is polled; while it is away it is asked again', async (t) => {
    await commit(monorepo('polled'));
    const url = await remote(t);
    await kapal.json(['hook', 'add', 'shop', '--poll', '10', '--repo', url]);
    await until('it is live', async () => (await releaseOf('api')) === 1);
    await commit({ 'api/server.js': webApp('again')['server.js'] ?? '' });
    await until('it is deployed by the clock', async () => (await releaseOf('api')) === 2);
    await kapal.json(['hook', 'add', 'shop', '--poll', '10', '--repo', url.replace('/shop/', '/nowhere/')]);
    await until('the failure is told', async () =>
      (await kapal.get<readonly HookDocument[]>('/hooks')).some(
        ({ problem, nextLook }) => problem !== null && nextLook !== null,
      ),
    );
    for (const words of [
      ['--poll', '5', '--repo', url],
      ['--repo', url],
      ['--poll', '10', '--provider', 'github', '--repo', url],
      ['--poll', '10', '--repo', 'ext::sh -c x'],
    ])
      assert.equal((await kapal.run('hook', 'add', 'shop', ...words)).code, 2, words.join(' '));
  });

  test('a remote by ssh gets a deploy key, which is used and lies nowhere in clear', async () => {
    await commit(monorepo('by ssh'));
    const added = await kapal.json<Added>([
      'hook',
      'add',
      'shop',
      '--poll',
      '10',
      '--repo',
      'git@git.example.com:shop.git',
    ]);
    assert.match(added.hook.publicKey ?? '', /^ssh-ed25519 \S+ kapal-shop$/);
    await until('it is live', async () => (await releaseOf('api')) === 1);
    const used = readFileSync(join(kapal.folder, 'ssh-used'), 'utf8');
    assert.match(used, /-F \/dev\/null .*-o IdentitiesOnly=yes .*git@git\.example\.com/);
    const [, derived] = /^public (.*)$/m.exec(used) ?? [];
    assert.equal(derived?.split(' ').slice(0, 2).join(' '), added.hook.publicKey?.split(' ').slice(0, 2).join(' '));
    const keys = join(kapal.data, 'git', 'keys');
    await until('the key is gone', async () => readdirSync(keys).every((name) => !name.endsWith('.tmp')));
    const found = execFileSync('sh', ['-c', 'grep -rl "OPENSSH PRIVATE KEY" "$1" || true', 'sh', kapal.data], {
      encoding: 'utf8',
    });
    assert.equal(found, '');
    assert.equal(existsSync(join(keys, 'ssh')), true);
  });
});

/** In the place of a machine elsewhere: says how it was called and with which key, then serves the repository. */
function standInSsh(folder: string): string {
  return `#!/bin/sh
{ echo "called $*"; for key in ./.*.tmp; do echo "public $(ssh-keygen -y -f "$key")"; done; } >> '${folder}/ssh-used'
exec git-upload-pack '${folder}/served/shop/.git'
`;
}
