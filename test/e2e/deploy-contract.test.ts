import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { DeployDocument, OperationDocument, PlanDocument, ServiceDocument } from '../../src/api/contract/types.ts';
import { crashingApp, webApp } from './apps.ts';
import { groupOf, TestKapal } from './kapal.ts';
import { assertEach, assertShape, count, flag, moment, oneOf, orNull, type Shape, text, texts } from './shape.ts';

const milliseconds: Shape = { source: count, build: count, start: count, shift: count, total: count };
const error: Shape = {
  code: text,
  message: text,
  hint: (hint) => hint === null || typeof hint === 'string',
  log: texts,
};
const deployed: Shape = {
  service: text,
  release: orNull(Number.isInteger),
  outcome: oneOf('live', 'failed', 'rolled_back', 'cancelled', 'unchanged'),
  urls: texts,
  milliseconds,
};

/** The documents of the command line, to the letter: programs read them. */
describe('what programs read', () => {
  let kapal: TestKapal;
  before(async () => {
    kapal = await TestKapal.start();
  });
  after(async () => {
    await kapal[Symbol.asyncDispose]();
  });

  test('nothing deployed is an empty array', async () => {
    assert.deepEqual(await kapal.json(['ps']), []);
  });

  test('deploy --json of a first release', async () => {
    const document = await kapal.deploy(await kapal.project('shop', webApp('one')));
    assertShape(document, { project: oneOf('shop'), environment: oneOf('production'), services: Array.isArray });
    assertEach(document.services, { ...deployed, outcome: oneOf('live'), release: oneOf(1) });
    const [service] = document.services;
    assert.deepEqual(service?.urls, [`http://shop.localhost:${kapal.http}`]);
    const times = service?.milliseconds;
    assert.ok(
      times !== undefined && times.total >= Math.max(times.source, times.build, times.start + times.shift),
      JSON.stringify(times),
    );
  });

  test('deploy --json of the same again: unchanged, every time a number', async () => {
    const document = await kapal.deploy(await kapal.project('shop', webApp('one')));
    assertEach(document.services, { ...deployed, outcome: oneOf('unchanged'), release: oneOf(1) });
  });

  test('deploy --json of a release that crashes: exit code 1 and the same document with an error', async () => {
    const document = await kapal.deployFailing(await kapal.project('shop', crashingApp(3)));
    assertShape(document, { project: oneOf('shop'), environment: oneOf('production'), services: Array.isArray });
    assertEach(document.services, { ...deployed, outcome: oneOf('failed'), release: oneOf(2), error });
    assert.equal(document.services[0]?.error?.code, 'boot_crashed');
    assert.equal((await kapal.visit('shop.localhost')).body, 'one');
  });

  test('ps --json', async () => {
    const found = await kapal.json<readonly ServiceDocument[]>(['ps']);
    assert.deepEqual(found, await kapal.ps());
    assertEach(found, {
      project: oneOf('shop'),
      environment: oneOf('production'),
      service: oneOf('shop'),
      type: oneOf('web'),
      release: oneOf(1),
      status: oneOf('running'),
      desired: oneOf(1),
      urls: texts,
      instances: Array.isArray,
    });
    assertEach(found[0]?.instances, {
      id: text,
      state: oneOf('ready'),
      release: oneOf(1),
      pid: count,
      address: (address) => /^127\.0\.0\.1:\d+$/.test(String(address)),
      restarts: count,
      startedAt: moment,
    });
  });

  test('the pid of ps leads the process group: its death ends and restarts the whole instance', async () => {
    const pid = (await kapal.service('shop')).instances[0]?.pid ?? 0;
    assert.notDeepEqual(await groupOf(pid), []);
    process.kill(pid, 'SIGKILL');
    const back = await kapal.serviceOnce(
      'shop',
      // Between its death and the record of it there is no pid any more.
      ({ instances: [only] }) => only?.state === 'ready' && only.pid !== null && only.pid !== pid,
    );
    assert.equal(back.instances[0]?.restarts, 1);
    assert.match(back.instances[0]?.lastExit ?? '', /SIGKILL/);
  });

  test('releases --json is an array, newest first', async () => {
    const found = await kapal.json<readonly { release: number; status: string }[]>(['releases', 'shop']);
    assertEach(found, {
      release: count,
      status: oneOf('current', 'failed'),
      createdAt: moment,
      source: {
        kind: oneOf('folder'),
        digest: text,
        url: isNull,
        branch: isNull,
        commit: isNull,
        author: isNull,
        subject: isNull,
      },
      cause: oneOf('deploy'),
      error: (value) => value === null || (assertShape(value, error, 'error') ?? true),
      available: flag,
    });
    assert.deepEqual(
      found.map(({ release, status }) => [release, status]),
      [
        [2, 'failed'],
        [1, 'current'],
      ],
    );
  });

  test('plan --json says what would change and why, and changes nothing', async () => {
    const folder = await kapal.project('shop', webApp('two'));
    const document = await kapal.json<PlanDocument>(['plan', folder]);
    assertShape(document, {
      project: oneOf('shop'),
      environment: oneOf('production'),
      origin: text,
      warnings: texts,
      changes: Array.isArray,
    });
    assertEach(document.changes, { service: oneOf('shop'), action: oneOf('update'), reasons: texts });
    assert.deepEqual(document.changes[0]?.reasons, ['the code changed']);
    assert.equal((await kapal.visit('shop.localhost')).body, 'one');
  });

  test('scale, restart, rollback, stop and start answer the document of deploy', async () => {
    await kapal.deploy(await kapal.project('shop', webApp('two')));
    for (const command of [
      ['scale', 'shop=2'],
      ['restart', 'shop'],
      ['rollback', 'shop'],
      ['stop', 'shop'],
      ['start', 'shop'],
    ]) {
      const document = await kapal.json<DeployDocument>(command);
      assertShape(document, { project: oneOf('shop'), environment: oneOf('production'), services: Array.isArray });
      assertEach(document.services, { ...deployed, outcome: oneOf('live') }, command.join(' '));
    }
  });

  test('--no-wait answers the operation, which then ends by itself', async () => {
    const release = (await kapal.service('shop')).release ?? 0;
    const operation = await kapal.json<OperationDocument>(['restart', 'shop', '--no-wait']);
    assertShape(operation, {
      id: text,
      kind: oneOf('restart'),
      state: oneOf('running'),
      createdAt: moment,
      finishedAt: isNull,
      result: isNull,
      error: isNull,
    });
    const settled = ({ status, instances }: ServiceDocument) =>
      status === 'running' && instances.every(({ release: of }) => of > release);
    await kapal.serviceOnce('shop', settled);
  });

  test('with --json stdout holds one document alone; progress goes to stderr', async () => {
    const ran = await kapal.run('deploy', await kapal.project('shop', webApp('three')), '--json');
    assert.equal(ran.code, 0);
    assert.equal((JSON.parse(ran.stdout) as DeployDocument).services[0]?.outcome, 'live');
    assert.match(ran.stderr, /sending 1 file/);
    assert.match(ran.stderr, /shop/);
    const plain = await kapal.run('deploy', await kapal.project('shop', webApp('four')));
    assert.match(plain.stdout, /shop +\d+ +live/);
    assert.doesNotMatch(plain.stdout, /sending/);
  });
});

function isNull(value: unknown): boolean {
  return value === null;
}
