import assert from 'node:assert/strict';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import type { DeployDocument, FailureDocument, LogDocument } from '../../src/api/contract/types.ts';
import { type Files, lateApp, webApp } from './apps.ts';
import { processesLike, type Ran, TestKapal, until } from './kapal.ts';

/** Deploys that do not come to their own end: cancelled, or overtaken by a newer one, at each of their stages. */
describe('a deploy in flight', () => {
  let kapal: TestKapal;
  before(async () => {
    kapal = await TestKapal.start();
    await kapal.deploy(await shop(webApp('good')));
  });
  after(async () => {
    await kapal[Symbol.asyncDispose]();
  });

  const shop = (files: Files, fields: Readonly<Record<string, unknown>> = {}) => {
    const service = { type: 'web', name: 'shop', runtime: 'node', startCommand: 'node server.js', ...fields };
    return kapal.project('shop', { ...files, 'kapal.yaml': JSON.stringify({ project: 'shop', services: [service] }) });
  };
  const answer = async () => (await kapal.visit('shop.localhost')).body;
  const printed = (word: string) =>
    until(`the log says ${word}`, async () => {
      const lines = await kapal.json<readonly LogDocument[]>(['logs', 'shop', '--grep', word]);
      return lines.length > 0;
    });
  const starting = () =>
    kapal.serviceOnce('shop', ({ release, instances }) =>
      instances.some((one) => one.release > (release ?? 0) && one.state === 'starting' && one.pid !== null),
    );

  function ended(ran: Ran, code: string): void {
    assert.equal(ran.code, 1, ran.stderr);
    const [service] = (JSON.parse(ran.stdout) as DeployDocument).services;
    assert.deepEqual([service?.outcome, service?.error?.code], ['cancelled', code]);
    for (const time of Object.values(service?.milliseconds ?? {})) assert.equal(typeof time, 'number');
  }

  test('cancel during the build ends it, its processes and its folder', async () => {
    const artifacts = join(kapal.data, 'releases', 'shop', 'production', 'shop');
    const folders = await readdir(artifacts);
    const deploy = kapal.run(
      'deploy',
      await shop(webApp('slow'), { buildCommand: 'echo building-slowly; sleep 4711' }),
      '--json',
    );
    await printed('building-slowly');
    assert.equal((await kapal.run('cancel', 'shop')).code, 0);
    ended(await deploy, 'cancelled');
    assert.deepEqual(await readdir(artifacts), folders);
    assert.deepEqual(await processesLike('sleep 4711'), []);
    assert.equal(await answer(), 'good');
  });

  test('cancel during preDeployCommand', async () => {
    const deploy = kapal.run(
      'deploy',
      await shop(webApp('slow'), { preDeployCommand: 'echo migrating-slowly; sleep 4712' }),
      '--json',
    );
    await printed('migrating-slowly');
    assert.equal((await kapal.run('cancel', 'shop')).code, 0);
    ended(await deploy, 'cancelled');
    assert.deepEqual(await processesLike('sleep 4712'), []);
    assert.equal(await answer(), 'good');
  });

  test('cancel during the warm-up', async () => {
    const deploy = kapal.run('deploy', await shop(lateApp(600_000), { startTimeoutSeconds: 600 }), '--json');
    await starting();
    assert.equal((await kapal.run('cancel', 'shop')).code, 0);
    ended(await deploy, 'cancelled');
    const left = await kapal.serviceOnce('shop', ({ instances }) => instances.length === 1);
    assert.equal(left.status, 'running');
    assert.equal(await answer(), 'good');
  });

  test('nothing to cancel is said', async () => {
    const { error } = await kapal.json<FailureDocument>(['cancel', 'shop'], 1);
    assert.equal(error.code, 'conflict');
    assert.match(error.message, /nothing is in flight for shop/);
  });

  test('a newer deploy takes the place of one that builds', async () => {
    const first = kapal.run(
      'deploy',
      await shop(webApp('overtaken'), { buildCommand: 'echo building-again; sleep 4713' }),
      '--json',
    );
    await printed('building-again');
    const second = await kapal.deploy(await shop(webApp('newer')));
    assert.equal(second.services[0]?.outcome, 'live');
    ended(await first, 'superseded');
    assert.equal(await answer(), 'newer');
    assert.deepEqual(await processesLike('sleep 4713'), []);
  });

  test('a newer deploy takes the place of one that warms up', async () => {
    const first = kapal.run('deploy', await shop(lateApp(600_000), { startTimeoutSeconds: 600 }), '--json');
    await starting();
    const second = await kapal.deploy(await shop(webApp('newest')));
    assert.equal(second.services[0]?.outcome, 'live');
    ended(await first, 'superseded');
    assert.equal(await answer(), 'newest');
    assert.equal((await kapal.serviceOnce('shop', ({ instances }) => instances.length === 1)).status, 'running');
  });

  test('many at once: the last one that was asked for is what runs', async () => {
    const folders = [];
    for (const name of ['a', 'b', 'c', 'd'])
      folders.push(await kapal.project(`many-${name}`, { ...webApp(name), 'kapal.yaml': declared }));
    const all = [];
    for (const folder of folders) {
      const operation = await kapal.run('deploy', folder, '--no-wait');
      assert.equal(operation.code, 0, operation.stderr);
      all.push(operation);
    }
    await kapal.serviceOnce('many', ({ status, instances }) => status === 'running' && instances.length === 1);
    await until('the last one answers', async () => (await kapal.visit('many.localhost')).body === 'd');
  });

  test('interrupting the command does not end the deploy, and says how to', async () => {
    const folder = await shop(webApp('alone'), { buildCommand: 'echo building-alone; sleep 1' });
    const { child, ran } = kapal.begin({}, 'deploy', folder);
    await printed('building-alone');
    child.kill('SIGINT');
    const { code, stderr } = await ran;
    assert.equal(code, 130);
    assert.match(stderr, /goes on without this command.*kapal cancel shop/s);
    await until('it went live by itself', async () => (await answer()) === 'alone');
  });
});

const declared = JSON.stringify({
  project: 'many',
  services: [{ type: 'web', name: 'many', runtime: 'node', startCommand: 'node server.js' }],
});
