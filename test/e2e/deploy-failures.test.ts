import assert from 'node:assert/strict';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, beforeEach, describe, test } from 'node:test';
import type { DeployedService, DeployDocument, LogDocument, ReleaseDocument } from '../../src/api/contract/types.ts';
import { crashingApp, type Files, lateApp, stubbornApp, webApp } from './apps.ts';
import { type Ran, TestKapal } from './kapal.ts';
import { freePort } from '../free-port.ts';

/** Whatever goes wrong with a new release: what served before goes on, and the user is told what failed, where, and what to do. */
describe('a release that does not work', () => {
  let kapal: TestKapal;
  before(async () => {
    kapal = await TestKapal.start();
    await kapal.deploy(await project({}, webApp('good')));
  });
  after(async () => {
    await kapal[Symbol.asyncDispose]();
  });

  let instances = '';
  let folders: readonly string[] = [];
  beforeEach(async () => {
    instances = JSON.stringify((await kapal.service('shop')).instances);
    folders = await artifacts();
  });

  test('a failing build: its output is shown as it comes, exit code 1, no release, no folder left', async () => {
    const before = await releases();
    const folder = await project(
      { buildCommand: "echo compiling; echo 'cannot find module shoes' >&2; exit 7" },
      webApp('bad'),
    );
    const ran = await kapal.run('deploy', folder);
    assert.equal(ran.code, 1);
    assert.match(ran.stderr, /compiling/);
    assert.match(ran.stderr, /cannot find module shoes/);
    assert.match(ran.stderr, /build_failed/);
    const { error, milliseconds } = failed(await kapal.deployFailing(folder));
    assert.equal(error?.code, 'build_failed');
    assert.match(error?.message ?? '', /exited with code 7.*buildCommand: echo compiling/);
    assert.deepEqual(error?.log.slice(-2), ['compiling', 'cannot find module shoes']);
    assert.ok(milliseconds.build > 0);
    assert.deepEqual(await releases(), before, 'a build that failed made no release');
    await unchanged();
    assert.deepEqual(await artifacts(), folders);
    const lines = await kapal.json<readonly LogDocument[]>(['logs', 'shop', '--grep', 'shoes']);
    assert.ok(lines.some(({ kind }) => kind === 'build'));
  });

  test('a build that takes too long is ended', async () => {
    const folder = await project(
      { buildCommand: 'echo waiting; sleep 600', build: { timeoutSeconds: 1 } },
      webApp('bad'),
    );
    const { error } = failed(await kapal.deployFailing(folder));
    assert.equal(error?.code, 'build_timeout');
    assert.deepEqual(error?.log.slice(-1), ['waiting']);
    await unchanged();
  });

  test('a failing preDeployCommand: the new release takes no traffic and its output is in the error', async () => {
    const folder = await project({ preDeployCommand: "echo 'table orders is locked'; exit 1" }, webApp('bad'));
    const { error } = failed(await kapal.deployFailing(folder));
    assert.equal(error?.code, 'predeploy_failed');
    assert.deepEqual(error?.log, ['table orders is locked']);
    await unchanged();
  });

  test('a crash at boot: its last lines and how it ended', async () => {
    const { error } = failed(await kapal.deployFailing(await project({}, crashingApp(9))));
    assert.equal(error?.code, 'boot_crashed');
    assert.match(error?.message ?? '', /exited with code 9/);
    assert.ok(error?.log.includes('no database at db.internal:5432'), error?.log.join('\n'));
    await unchanged();
    const [newest] = await kapal.json<readonly ReleaseDocument[]>(['releases', 'shop']);
    assert.deepEqual([newest?.status, newest?.error?.code, newest?.available], ['failed', 'boot_crashed', false]);
  });

  test('a start command that is not there', async () => {
    const { error } = failed(
      await kapal.deployFailing(await project({ startCommand: 'nodee server.js' }, webApp('bad'))),
    );
    assert.equal(error?.code, 'boot_crashed');
    assert.match(error?.log.join('\n') ?? '', /nodee/);
    await unchanged();
  });

  test('a failing health check: what it answered', async () => {
    const app = {
      'server.js': "require('node:http').createServer((_, r) => r.writeHead(500).end('no')).listen(process.env.PORT);",
    };
    const { error } = failed(
      await kapal.deployFailing(await project({ healthCheckPath: '/healthz', startTimeoutSeconds: 1 }, app)),
    );
    assert.equal(error?.code, 'health_failed');
    assert.match(error?.message ?? '', /not ready within 1 s.*\/healthz answered 500/);
    await unchanged();
  });

  test('an app that ignores PORT and listens on several others: the message names them', async () => {
    const ports = [await freePort(), await freePort()].toSorted((a, b) => a - b);
    const app = { 'server.js': ports.map((port) => stubbornApp(port)['server.js']).join('') };
    const { error } = failed(await kapal.deployFailing(await project({ startTimeoutSeconds: 1 }, app)));
    assert.equal(error?.code, 'health_failed');
    assert.match(error?.message ?? '', new RegExp(`listens on ports ${ports.join(', ')} instead`));
    assert.match(error?.hint ?? '', /PORT/);
    await unchanged();
  });

  test('an app at the IPv6 name of the machine alone, or at all of its addresses of IPv6 alone: where it listens', async () => {
    const app = (where: object) => ({
      'server.js': `require('node:http').createServer((_, r) => r.end()).listen({ ...${JSON.stringify(where)}, port: process.env.PORT });`,
    });
    const one = failed(await kapal.deployFailing(await project({ startTimeoutSeconds: 1 }, app({ host: '::1' }))));
    assert.equal(one.error?.code, 'health_failed');
    assert.match(
      one.error?.message ?? '',
      /it listens at \[::1\]:\d+ only, which is not reached by 127\.0\.0\.1: let it listen at HOST/,
    );
    for (const fields of [{}, { healthCheckPath: '/' }]) {
      const six = app({ host: '::', ipv6Only: true });
      const { error } = failed(await kapal.deployFailing(await project({ ...fields, startTimeoutSeconds: 1 }, six)));
      assert.equal(error?.code, 'health_failed');
      assert.match(error?.message ?? '', /connection refused/);
      assert.match(error?.message ?? '', /it listens at \[::\]:\d+ for IPv6 alone/);
    }
    await unchanged();
  });

  test('an app at 127.0.0.1 alone, or at :: for both, is reached', async () => {
    for (const host of ['127.0.0.1', '::']) {
      const text = `at ${host}`;
      const server = `require('node:http').createServer((_, r) => r.end('${text}')).listen(process.env.PORT, '${host}');`;
      await kapal.deploy(await kapal.project('lokal', { 'server.js': server }));
      assert.equal((await kapal.visit('lokal.localhost')).body, text);
    }
  });

  test('an app that never listens', async () => {
    const app = { 'server.js': 'setInterval(() => {}, 1000);' };
    const { error } = failed(await kapal.deployFailing(await project({ startTimeoutSeconds: 1 }, app)));
    assert.equal(error?.code, 'health_failed');
    assert.match(error?.message ?? '', /nothing of it listens on port \d+/);
    assert.match(error?.message ?? '', /it listens on no port at all \(it runs on Node [\d.]+; nothing says which/);
    await unchanged();
  });

  test('one that waits without a word, as an old driver does on a newer Node: what it runs on, and who asked for that', async () => {
    const app = {
      'package.json': JSON.stringify({ engines: { node: '>=8' } }),
      'server.js': 'new Promise(() => setInterval(() => {}, 1000)).then(() => listen());',
    };
    const { error } = failed(await kapal.deployFailing(await project({ startTimeoutSeconds: 1 }, app)));
    assert.match(
      error?.message ?? '',
      /it listens on no port at all \(it runs on Node 24\.[\d.]+, as engines\.node of package\.json asks \(>=8\)\): it may still wait for something, such as a database/,
    );
    assert.match(error?.hint ?? '', /./);
  });

  test('for people the same is said in words, with the lines and what to do', async () => {
    const ran: Ran = await kapal.run('deploy', await project({}, crashingApp(9)));
    assert.equal(ran.code, 1);
    assert.match(ran.stdout, /shop +\d+ +failed/);
    assert.match(ran.stderr, /boot_crashed/);
    assert.match(ran.stderr, /\| no database at db\.internal:5432/);
    assert.match(ran.stderr, /kapal logs shop/);
  });

  test('an app that listens after a while, without a health path, is waited for', async () => {
    const document = await kapal.deploy(await project({}, lateApp(1_500)));
    assert.equal(document.services[0]?.outcome, 'live');
    assert.ok((document.services[0]?.milliseconds.start ?? 0) >= 1_500);
    assert.equal((await kapal.visit('shop.localhost')).body, 'late but here');
  });

  test('a first deploy that fails leaves a service that answers 503, and the next one heals it', async () => {
    const folder = await kapal.project('baru', crashingApp(1));
    const { release } = failed(await kapal.deployFailing(folder));
    assert.equal(release, 1);
    assert.equal((await kapal.service('baru')).status, 'failed');
    assert.equal((await kapal.visit('baru.localhost')).status, 503);
    assert.equal((await kapal.deploy(await kapal.project('baru', webApp('healed')))).services[0]?.release, 2);
    assert.equal((await kapal.visit('baru.localhost')).body, 'healed');
  });

  function project(fields: Readonly<Record<string, unknown>>, files: Files): Promise<string> {
    const service = { type: 'web', name: 'shop', runtime: 'node', startCommand: 'node server.js', ...fields };
    // YAML is a superset of JSON.
    return kapal.project('shop', { ...files, 'kapal.yaml': JSON.stringify({ project: 'shop', services: [service] }) });
  }

  function failed(document: DeployDocument): DeployedService {
    const [service] = document.services;
    assert.ok(service !== undefined);
    assert.equal(service.outcome, 'failed');
    return service;
  }

  async function unchanged(): Promise<void> {
    assert.equal((await kapal.visit('shop.localhost')).body, 'good');
    assert.equal(
      JSON.stringify((await kapal.service('shop')).instances),
      instances,
      'the instances are the same as before',
    );
  }

  async function releases(): Promise<readonly number[]> {
    return (await kapal.json<readonly ReleaseDocument[]>(['releases', 'shop'])).map(({ release }) => release);
  }

  async function artifacts(): Promise<readonly string[]> {
    return (await readdir(join(kapal.data, 'releases', 'shop', 'production', 'shop'))).sort();
  }
});
