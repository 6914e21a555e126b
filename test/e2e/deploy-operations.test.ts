import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { DeployDocument, FailureDocument, PlanDocument, ReleaseDocument } from '../../src/api/contract/types.ts';
import { crashingApp, type Files, webApp } from './apps.ts';
import { groupOf, TestKapal, until } from './kapal.ts';

/** What is done to a service that runs. */
describe('a service in operation', () => {
  let kapal: TestKapal;
  before(async () => {
    kapal = await TestKapal.start();
    for (const version of ['one', 'two', 'three']) await kapal.deploy(await shop(webApp(version)));
  });
  after(async () => {
    await kapal[Symbol.asyncDispose]();
  });

  const shop = (files: Files, fields: Readonly<Record<string, unknown>> = {}) => {
    const service = { type: 'web', name: 'shop', runtime: 'node', startCommand: 'node server.js', ...fields };
    return kapal.project('shop', { ...files, 'kapal.yaml': JSON.stringify({ project: 'shop', services: [service] }) });
  };
  const answer = async () => (await kapal.visit('shop.localhost')).body;
  const done = (...words: readonly string[]) => kapal.json<DeployDocument>(words);
  const refused = async (words: readonly string[], code: number) =>
    (await kapal.json<FailureDocument>(words, code)).error;
  const releases = () => kapal.json<readonly ReleaseDocument[]>(['releases', 'shop']);

  test('scale starts and stops instances, and holds over a deploy', async () => {
    await done('scale', 'shop=3');
    assert.equal((await kapal.service('shop')).instances.length, 3);
    await done('scale', 'shop=2');
    const running = await kapal.serviceOnce('shop', ({ instances }) => instances.length === 2);
    assert.deepEqual([running.desired, running.status], [2, 'running']);
    await kapal.deploy(await shop(webApp('four')));
    assert.equal((await kapal.service('shop')).desired, 2, 'the declared number is what it was');
  });

  test('plan shows that the scale differs from the declaration; a new declared number ends it', async () => {
    const { changes } = await kapal.json<PlanDocument>(['plan', await shop(webApp('four'))]);
    assert.match(changes[0]?.reasons.join('\n') ?? '', /2.*1|1.*2/);
    await kapal.deploy(await shop(webApp('four'), { numInstances: 3 }));
    assert.equal((await kapal.serviceOnce('shop', ({ instances }) => instances.length === 3)).desired, 3);
    await kapal.deploy(await shop(webApp('four'), { numInstances: 1 }));
    await kapal.serviceOnce('shop', ({ instances }) => instances.length === 1);
  });

  test('scale to 0 answers 503, and back', async () => {
    await done('scale', 'shop=0');
    assert.equal((await kapal.visit('shop.localhost')).status, 503);
    assert.deepEqual((await kapal.service('shop')).instances, []);
    await done('scale', 'shop=1');
    assert.equal(await answer(), 'four');
    assert.equal((await refused(['scale', 'shop=101'], 2)).code, 'usage');
  });

  test('restart replaces every instance by a fresh one of the same artifact', async () => {
    const before = (await kapal.service('shop')).instances.map(({ id }) => id);
    const { services } = await done('restart', 'shop');
    assert.equal(services[0]?.milliseconds.build, 0);
    const after = await kapal.serviceOnce('shop', ({ instances }) => instances.length === 1);
    assert.ok(!before.includes(after.instances[0]?.id ?? ''));
    assert.equal(await answer(), 'four');
  });

  test('stop answers 503 and leaves no process; deploys while stopped wait; start brings it back', async () => {
    const pid = (await kapal.service('shop')).instances[0]?.pid ?? 0;
    const ran = await kapal.run('stop', 'shop');
    assert.match(ran.stdout, /shop +\d+ +stopped/);
    assert.doesNotMatch(ran.stdout + ran.stderr, /live/);
    assert.deepEqual(await groupOf(pid), []);
    assert.equal((await kapal.service('shop')).status, 'stopped');
    const stopped = await kapal.visit('shop.localhost');
    assert.equal(stopped.status, 503);
    assert.equal((await kapal.deploy(await shop(webApp('five')))).services[0]?.outcome, 'live');
    assert.deepEqual((await kapal.service('shop')).instances, []);
    await done('start', 'shop');
    assert.equal(await answer(), 'five');
  });

  test('rollback goes back by one and again, without a build, each as a new release', async () => {
    const first = await done('rollback', 'shop');
    assert.equal(await answer(), 'four');
    assert.equal(first.services[0]?.milliseconds.build, 0);
    const [newest] = await releases();
    assert.match(newest?.cause ?? '', /^rollback to \d+$/);
    assert.equal(newest?.status, 'current');
  });

  test('rollback to a number; not to the current one, one that failed, one that is not there', async () => {
    await done('rollback', 'shop', '2');
    assert.equal(await answer(), 'two');
    const current = (await kapal.service('shop')).release ?? 0;
    assert.equal((await refused(['rollback', 'shop', String(current)], 1)).code, 'conflict');
    const failed = await kapal.deployFailing(await shop(crashingApp(1)));
    const bad = await refused(['rollback', 'shop', String(failed.services[0]?.release)], 1);
    assert.equal(bad.code, 'not_found');
    assert.match(bad.hint ?? '', /It can go back to: .*2/);
    assert.equal((await refused(['rollback', 'shop', '77'], 1)).code, 'not_found');
    assert.equal(await answer(), 'two');
  });

  test('a deploy of what was rolled back from is a deploy, not unchanged', async () => {
    assert.equal((await kapal.deploy(await shop(webApp('five')))).services[0]?.outcome, 'live');
    assert.equal(await answer(), 'five');
  });

  test('a service that is not there: its nearest name', async () => {
    for (const words of [
      ['restart', 'shpo'],
      ['logs', 'shpo'],
      ['scale', 'shpo=2'],
      ['ps', 'shpo'],
      ['open', 'shpo'],
      ['cancel', 'shpo'],
    ]) {
      const error = await refused(words, 1);
      assert.deepEqual([error.code, error.hint], ['not_found', 'Did you mean shop?'], words.join(' '));
    }
  });

  test('a service that vanished from the declaration goes on until --prune', async () => {
    const two = {
      project: 'shop',
      services: ['shop', 'extra'].map((name) => ({
        type: 'web',
        name,
        runtime: 'node',
        startCommand: 'node server.js',
      })),
    };
    await kapal.deploy(await kapal.project('shop', { ...webApp('six'), 'kapal.yaml': JSON.stringify(two) }));
    assert.equal((await kapal.visit('extra.localhost')).body, 'six');
    const alone = await shop(webApp('seven'));
    const { changes } = await kapal.json<PlanDocument>(['plan', alone]);
    assert.deepEqual(changes.map(({ service, action }) => `${action} ${service}`).sort(), [
      'update shop',
      'vanished extra',
    ]);
    await kapal.deploy(alone);
    assert.equal((await kapal.visit('extra.localhost')).body, 'six');
    const pid = (await kapal.service('extra')).instances[0]?.pid ?? 0;
    await kapal.json(['deploy', alone, '--prune']);
    await until('extra is gone', async () => !(await kapal.ps()).some(({ service }) => service === 'extra'));
    assert.deepEqual(await groupOf(pid), []);
    assert.equal((await kapal.visit('extra.localhost')).status, 404);
    assert.equal(await answer(), 'seven');
  });

  test('--service deploys one of several', async () => {
    const two = {
      project: 'shop',
      services: ['shop', 'extra'].map((name) => ({
        type: 'web',
        name,
        runtime: 'node',
        startCommand: 'node server.js',
      })),
    };
    const folder = await kapal.project('shop', { ...webApp('eight'), 'kapal.yaml': JSON.stringify(two) });
    const document = await kapal.deploy(folder, '--service', 'extra');
    assert.deepEqual(
      document.services.map(({ service }) => service),
      ['extra'],
    );
    assert.equal((await kapal.visit('extra.localhost')).body, 'eight');
    assert.equal(await answer(), 'seven');
    const wrong = await kapal.json<FailureDocument>(['deploy', folder, '--service', 'extar'], 1);
    assert.match(`${wrong.error.message} ${wrong.error.hint}`, /no service extar.*extra/);
  });

  test('project remove asks to be meant, then leaves no process and no route', async () => {
    assert.equal((await refused(['project', 'remove', 'shop'], 2)).code, 'usage');
    const pids = (await kapal.ps()).flatMap(({ instances }) => instances.map(({ pid }) => pid ?? 0));
    assert.equal((await kapal.run('project', 'remove', 'shop', '--yes')).code, 0);
    for (const pid of pids) assert.deepEqual(await groupOf(pid), []);
    assert.deepEqual(await kapal.ps(), []);
    assert.equal((await kapal.visit('shop.localhost')).status, 404);
  });
});
