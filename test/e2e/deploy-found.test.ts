import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { promisify } from 'node:util';
import type { PlanDocument } from '../../src/api/contract/types.ts';
import { TestKapal } from './kapal.ts';

const run = promisify(execFile);

/** Projects that nobody here wrote: made by their own generators, deployed with no file added. */
describe('a project as its generator left it', () => {
  let kapal: TestKapal;
  before(async () => {
    kapal = await TestKapal.start();
  });
  after(async () => {
    await kapal[Symbol.asyncDispose]();
  });

  /** Runs a generator of npm in a folder of the test. */
  async function generate(...words: readonly string[]): Promise<void> {
    const folder = join(kapal.folder, 'generated');
    await mkdir(folder, { recursive: true });
    await run('npm', ['exec', '--yes', '--', ...words], { cwd: folder, timeout: 400_000 });
  }

  test('express-generator: its pages answer, behind 2 instances', async () => {
    await generate('express-generator@4.16.1', '--view=ejs', 'guestbook');
    const folder = join(kapal.folder, 'generated', 'guestbook');
    const before = (await readdir(folder)).sort();
    const document = await kapal.deploy(folder);
    assert.deepEqual(
      document.services.map(({ service, outcome }) => [service, outcome]),
      [['guestbook', 'live']],
    );
    const page = await kapal.visit('guestbook.localhost');
    assert.equal(page.status, 200);
    assert.match(page.body, /Welcome to Express/);
    assert.equal((await kapal.visit('guestbook.localhost', '/users')).body, 'respond with a resource');
    assert.match(
      String((await kapal.visit('guestbook.localhost', '/stylesheets/style.css')).headers['content-type']),
      /text\/css/,
    );
    assert.equal((await kapal.visit('guestbook.localhost', '/nowhere')).status, 404);
    assert.deepEqual((await readdir(folder)).sort(), before, 'nothing is written into the folder of the user');
    await kapal.json(['scale', 'guestbook=2']);
    assert.equal((await kapal.service('guestbook')).instances.length, 2);
  });

  test('a change of one page builds with the cache that the first build filled', async () => {
    const folder = join(kapal.folder, 'generated', 'guestbook');
    const page = join(folder, 'views', 'index.ejs');
    await writeFile(page, (await readFile(page, 'utf8')).replace('Welcome to', 'Selamat datang di'));
    const [service] = (await kapal.deploy(folder)).services;
    assert.equal(service?.outcome, 'live');
    assert.match((await kapal.visit('guestbook.localhost')).body, /Selamat datang di Express/);
  });

  test('create-vite: built, served as a single-page app, in parts and only when changed', async () => {
    await generate('create-vite@5', 'toko-depan', '--template', 'vanilla');
    const folder = join(kapal.folder, 'generated', 'toko-depan');
    const plan = await kapal.json<PlanDocument>(['plan', folder]);
    assert.match(plan.origin, /package\.json/);
    const document = await kapal.deploy(folder);
    assert.equal(document.services[0]?.outcome, 'live');
    const page = await kapal.visit('toko-depan.localhost');
    assert.equal(page.status, 200);
    assert.match(page.body, /<title>Vite App<\/title>/);
    const asset = /src="(\/assets\/[^"]+\.js)"/.exec(page.body)?.[1] ?? '';
    const script = await kapal.visit('toko-depan.localhost', asset);
    assert.match(String(script.headers['content-type']), /javascript/);
    assert.equal(page.headers['cache-control'], 'no-cache');
    const route = await kapal.visit('toko-depan.localhost', '/basket/7', { headers: { accept: 'text/html' } });
    assert.equal(route.status, 200);
    assert.equal(route.body, page.body, 'a route of the browser is the page');
    const etag = String(page.headers['etag']);
    assert.equal((await kapal.visit('toko-depan.localhost', '/', { headers: { 'if-none-match': etag } })).status, 304);
    const part = await kapal.visit('toko-depan.localhost', asset, { headers: { range: 'bytes=0-9' } });
    assert.deepEqual([part.status, part.body], [206, script.body.slice(0, 10)]);
    const [service] = (await kapal.ps()).filter((one) => one.service === 'toko-depan');
    assert.deepEqual([service?.type, service?.status, service?.instances.length], ['static', 'running', 0]);
  });

  for (const manager of ['pnpm', 'yarn'] as const) {
    test(`a project with the lock file of ${manager} is installed and started by ${manager}`, async () => {
      const folder = await kapal.project(`by-${manager}`, { ...managed, ...locks[manager] });
      const ran = await kapal.run('deploy', folder);
      assert.equal(ran.code, 0, ran.stderr);
      assert.match(ran.stderr, new RegExp(`${manager}.* install .*frozen-lockfile`), 'the lock file is taken as it is');
      assert.equal((await kapal.visit(`by-${manager}.localhost`)).body, `2 ms, started by ${manager}`);
    });
  }
});

/** As the package managers write them for the one dependency below; without the registry from which yarn had it. */
const locks = {
  pnpm: {
    'pnpm-lock.yaml': `lockfileVersion: '9.0'

settings:
  autoInstallPeers: true
  excludeLinksFromLockfile: false

importers:

  .:
    dependencies:
      ms:
        specifier: 2.1.3
        version: 2.1.3

packages:

  ms@2.1.3:
    resolution: {integrity: sha512-6FlzubTLZG3J2a/NVCAleEhjzq5oxgHyaCU9yYXvcLsvoVaHJq/s5xXI6/XXP6tz7R9xAOtHnSO/tXtF3WRTlA==}

snapshots:

  ms@2.1.3: {}
`,
  },
  yarn: {
    'yarn.lock': `# THIS IS AN AUTOGENERATED FILE. DO NOT EDIT THIS FILE DIRECTLY.
# yarn lockfile v1


ms@2.1.3:
  version "2.1.3"
  integrity sha512-6FlzubTLZG3J2a/NVCAleEhjzq5oxgHyaCU9yYXvcLsvoVaHJq/s5xXI6/XXP6tz7R9xAOtHnSO/tXtF3WRTlA==
`,
  },
};

/** `npm_config_user_agent` names the program that runs the start script. */
const managed = {
  'package.json': JSON.stringify({
    private: true,
    scripts: { start: 'node server.js' },
    dependencies: { ms: '2.1.3' },
  }),
  'server.js': `
    const ms = require('ms');
    const manager = (process.env.npm_config_user_agent ?? '').split('/')[0];
    const server = require('node:http').createServer((_, response) => response.end(ms(2) .replace('ms', ' ms') + ', started by ' + manager));
    server.listen(process.env.PORT);
  `,
};
