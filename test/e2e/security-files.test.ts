import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { existsSync, readdirSync, statSync } from 'node:fs';
import { mkdir, symlink, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { after, afterEach, before, describe, test } from 'node:test';
import { promisify } from 'node:util';
import type { DeployDocument } from '../../src/api/contract/types.ts';
import { TestKapal } from './kapal.ts';
import { exchange, shop } from './survival.ts';

const exec = promisify(execFile);
const root = process.getuid?.() === 0;

describe('files of strangers', () => {
  let kapal: TestKapal;
  before(async () => void (kapal = await TestKapal.start()));
  afterEach(() => kapal.clear());
  after(() => kapal[Symbol.asyncDispose]());

  test('a folder with pipes, devices, sockets and strange names deploys without them; links out of it lead nowhere', async () => {
    const folder = await kapal.project('shop', {
      ...shop('shop'),
      '-rf': 'x',
      'a b': 'x',
      "it's $(touch x)": 'x',
      '*': 'x',
    });
    await exec('mkfifo', [join(folder, 'pipe')]);
    if (root) await exec('mknod', [join(folder, 'device'), 'c', '1', '5']);
    await using _socket = await listening(join(folder, 'socket'));
    const deployed = await kapal.run('deploy', folder, '--json');
    assert.equal(deployed.code, 0, deployed.stderr);
    assert.match(deployed.stderr, /pipe.*left out/);
    const releases = join(kapal.data, 'releases/shop/production/shop');
    const artifact = join(releases, readdirSync(releases)[0] ?? '');
    for (const name of ['pipe', 'device', 'socket']) assert.ok(!existsSync(join(artifact, name)), name);
    for (const name of ['-rf', 'a b', "it's $(touch x)", '*']) assert.ok(existsSync(join(artifact, name)), name);
    assert.ok(!existsSync(join(artifact, 'x')));

    const hostile: readonly (readonly [string, (folder: string) => Promise<unknown>])[] = [
      ['newline', (at) => writeFile(join(at, 'a\nb'), 'x')],
      ['absolute', (at) => symlink('/etc/passwd', join(at, 'passwd'))],
      ['upwards', (at) => symlink('../../../../../../etc/passwd', join(at, 'passwd'))],
      ['folder', (at) => symlink('/', join(at, 'everything'))],
    ];
    for (const [name, plant] of hostile) {
      const at = await kapal.project('site', { 'index.html': 'hello' });
      await plant(at);
      const ran = await kapal.run('deploy', at, '--json');
      if (ran.code !== 0) {
        assert.equal(ran.code, 2, `${name}: ${ran.stderr}`);
        continue;
      }
      for (const path of ['/passwd', '/everything/etc/passwd'])
        assert.equal((await kapal.visit('site.localhost', path)).status, 404, `${name} ${path}`);
    }
  });

  test('a static service serves what lies in its folder and nothing else, whatever the path or its build', async () => {
    const site = (name: string, build: string, publish: string) =>
      kapal.project(name, {
        'kapal.yaml': JSON.stringify({
          project: name,
          services: [{ type: 'static', name, buildCommand: build, staticPublishPath: publish }],
        }),
        'public/index.html': 'hello',
        'public/.env': 'SECRET=1',
        'private.txt': 'not published',
      });
    await kapal.deploy(
      await site(
        'site',
        'ln -s /etc/passwd public/passwd; ln -s ../private.txt public/private; ln -s / public/everything; mkfifo public/pipe',
        'public',
      ),
    );
    assert.equal((await kapal.visit('site.localhost')).body, 'hello');
    const outside = [
      '/passwd',
      '/private',
      '/everything/etc/passwd',
      '/pipe',
      '/.env',
      '/..%2fprivate.txt',
      '/%2e%2e/private.txt',
      '/../private.txt',
      '/..\\private.txt',
      '/..%5cprivate.txt',
      '/x/../../private.txt',
      '/%252e%252e/private.txt',
      '/..;/private.txt',
      '/....//private.txt',
      '/index.html%00.txt',
      '//etc/passwd',
      '/%2fetc%2fpasswd',
      '/public/../../private.txt',
      '/.%2e/private.txt',
      '/%c0%ae%c0%ae/private.txt',
    ];
    for (const path of outside) {
      const answer = await exchange(
        kapal.http,
        `GET ${path} HTTP/1.1\r\nHost: site.localhost\r\nConnection: close\r\n\r\n`,
      );
      assert.match(answer, /^HTTP\/1\.1 (?:404|400) /, `${path}: ${answer.slice(0, 200)}`);
      assert.doesNotMatch(answer, /root:|not published|SECRET/, path);
    }

    // The folder itself may be what the build made a link of: the edge can read more than the service.
    for (const [build, publish] of [
      [`ln -s ${kapal.data}/edge dist`, 'dist'],
      ['ln -s / dist', 'dist/etc'],
      ['true', 'missing'],
      ['ln -s dist dist', 'dist'],
    ] as const) {
      const refused = await kapal.json<DeployDocument>(['deploy', await site('thief', build, publish)], 1);
      assert.equal(refused.services[0]?.outcome, 'failed', build);
      assert.equal(refused.services[0]?.error?.code, 'build_failed', build);
    }
    const releases = join(kapal.data, 'releases/site/production/site');
    for (const name of readdirSync(releases))
      assert.equal(statSync(join(releases, name)).mode & 0o007, 0, 'other services do not read what a site is made of');
  });
});

async function listening(path: string): Promise<AsyncDisposable> {
  await mkdir(join(path, '..'), { recursive: true });
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(path, resolve));
  return { [Symbol.asyncDispose]: () => new Promise((resolve) => server.close(() => resolve())) };
}
