import assert from 'node:assert/strict';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { after, afterEach, before, describe, test } from 'node:test';
import type { DeployDocument, LogDocument } from '../../src/api/contract/types.ts';
import { hasEnded, TestKapal } from './kapal.ts';
import { killAll, onlyOwned, processesOf } from './install.ts';
import { eventually, facesOf, Gate, going, shop } from './survival.ts';

/** The daemon is killed in the middle of something that it acknowledged; the next one brings it to its end, and the command that waits learns it. */
describe('SIGKILL to the daemon in the middle', () => {
  let kapal: TestKapal;
  before(async () => void (kapal = await TestKapal.start()));
  afterEach(() => kapal.clear());
  after(() => kapal[Symbol.asyncDispose]());

  test('of a build: it is adopted and ends live', async () => {
    const gate = new Gate(kapal, 'build');
    const deploy = going(
      kapal,
      'deploy',
      await kapal.project('shop', shop('shop', [`buildCommand: echo began; ${gate.wait}; echo built`])),
    );
    await running(kapal, 'build-');
    await kapal.killDaemon();
    await kapal.up();
    await gate.open();
    assert.deepEqual(await outcomes(deploy), ['live']);
    // It was not begun again, and no line is missing.
    await eventually('what it printed', async () => (await printed(kapal, 'shop', 'build')).at(-1) === 'built');
    assert.deepEqual((await printed(kapal, 'shop', 'build')).slice(-2), ['began', 'built']);
    assert.equal((await printed(kapal, 'shop', 'build')).filter((line) => line === 'began').length, 1);
    await onlyOwned(kapal);
  });

  test('of the copy that a build begins with: it is made anew, and nothing of the first is left', async () => {
    const folder = await kapal.project('shop', shop('shop', [`buildCommand: sleep 9000`]));
    await kapal.killDaemon();
    kapal.more = { KAPAL_CRASHPOINT: 'build.source.copied' };
    await kapal.up();
    kapal.more = {};
    const deploy = going(kapal, 'deploy', folder);
    await eventually('the daemon died', () => kapal.daemon !== null && hasEnded(kapal.daemon));
    await kapal.up();
    await running(kapal, 'build-');
    assert.equal((await readdir(join(kapal.data, 'releases', 'shop', 'production', 'shop'))).length, 1);
    assert.equal((await kapal.run('cancel', 'shop')).code, 0);
    const { services } = JSON.parse((await deploy.ended).stdout) as DeployDocument;
    assert.deepEqual(services[0]?.outcome, 'cancelled');
    assert.deepEqual(await readdir(join(kapal.data, 'releases', 'shop', 'production', 'shop')), []);
    await onlyOwned(kapal);
  });

  test('of preDeployCommand: it runs once', async () => {
    const gate = new Gate(kapal, 'predeploy');
    const deploy = going(
      kapal,
      'deploy',
      await kapal.project('shop', shop('shop', [`preDeployCommand: echo began; ${gate.wait}; echo migrated`])),
    );
    await running(kapal, '.predeploy');
    await kapal.killDaemon();
    await gate.open();
    await kapal.up();
    assert.deepEqual(await outcomes(deploy), ['live']);
    await eventually('what it printed', async () => (await printed(kapal, 'shop', 'predeploy')).at(-1) === 'migrated');
    assert.deepEqual(await printed(kapal, 'shop', 'predeploy'), ['began', 'migrated']);
    await onlyOwned(kapal);
  });

  test('of a warm-up, a drain, a stop and a change of variables', async () => {
    const [boot, stop] = [new Gate(kapal, 'boot'), new Gate(kapal, 'stop')];
    const project = (text: string) =>
      kapal.project(
        'shop',
        shop('shop', [
          'envVars:',
          `  - {key: BOOT_GATE, value: ${boot.path}}`,
          `  - {key: STOP_GATE, value: ${stop.path}}`,
          `  - {key: MODE, value: ${text}}`,
        ]),
      );

    const first = going(kapal, 'deploy', await project('one'));
    await running(kapal, 'shop-');
    await kapal.killDaemon();
    await kapal.up();
    await boot.open();
    assert.deepEqual(await outcomes(first), ['live']);
    assert.deepEqual(
      (await kapal.service('shop')).instances.map((instance) => instance.restarts),
      [0],
      'the instance that warmed up is the one that serves',
    );

    const slow = kapal.visit('shop.localhost', '/?slow=4000');
    await eventually('the slow request is under way', async () => (await kapal.visit('shop.localhost')).status === 200);
    const second = going(kapal, 'deploy', await project('two'));
    await eventually('the old instance drains', async () =>
      (await kapal.service('shop')).instances.some((instance) => instance.state === 'draining'),
    );
    await kapal.killDaemon();
    await kapal.up();
    assert.equal((await slow).status, 200, 'what was under way at the old instance is answered');
    await stop.open();
    assert.deepEqual(await outcomes(second), ['live']);
    await eventually('the old instance is gone', async () => (await kapal.service('shop')).instances.length === 1);
    await onlyOwned(kapal);
    assert.equal(await modeOf(kapal), 'two');
  });

  test('of a stop and of env set', async () => {
    const [boot, stop] = [new Gate(kapal, 'boot'), new Gate(kapal, 'stop')];
    await kapal.deploy(
      await kapal.project('shop', shop('shop', ['envVars:', `  - {key: STOP_GATE, value: ${stop.path}}`])),
    );

    const stopping = going(kapal, 'stop', 'shop');
    await eventually('it was asked to stop', async () =>
      (await printed(kapal, 'shop', 'app')).includes('asked to stop'),
    );
    await kapal.killDaemon();
    await kapal.up();
    await stop.open();
    assert.deepEqual(await outcomes(stopping), ['live']);
    assert.deepEqual((await kapal.service('shop')).status, 'stopped');
    assert.deepEqual(await facesOf(kapal), []);
    await onlyOwned(kapal);

    assert.equal((await kapal.run('start', 'shop')).code, 0);
    const setting = going(kapal, 'env', 'set', 'shop', `BOOT_GATE=${boot.path}`, 'MODE=new');
    await running(kapal, 'shop-', 2);
    await kapal.killDaemon();
    await kapal.up();
    await boot.open();
    assert.deepEqual(await outcomes(setting), ['live']);
    await eventually('the new value answers', async () => (await modeOf(kapal)) === 'new');
    await eventually('one is left', async () => (await kapal.service('shop')).instances.length === 1);
    await onlyOwned(kapal);
  });

  test('of a cancelled build: it stays cancelled', async () => {
    const gate = new Gate(kapal, 'build');
    const deploy = going(
      kapal,
      'deploy',
      await kapal.project('shop', shop('shop', [`buildCommand: trap '' TERM; ${gate.wait}`])),
    );
    await running(kapal, 'build-');
    assert.equal((await kapal.run('cancel', 'shop')).code, 0);
    await kapal.killDaemon();
    await kapal.up();
    await gate.open();
    assert.deepEqual(await outcomes(deploy, 1), ['cancelled']);
    await onlyOwned(kapal);
  });

  test('of a removal during a build: the project goes all the same', async () => {
    const gate = new Gate(kapal, 'build');
    await kapal.deploy(await kapal.project('shop', shop('shop')));
    const deploy = going(
      kapal,
      'deploy',
      await kapal.project('shop', shop('shop', [`buildCommand: trap '' TERM; ${gate.wait}`])),
    );
    await running(kapal, 'build-');
    const removal = going(kapal, 'project', 'remove', 'shop', '--yes');
    await eventually('the removal has begun', async () =>
      (await kapal.service('shop')).instances.every((instance) => instance.state !== 'ready'),
    );
    await kapal.killDaemon();
    await kapal.up();
    await eventually('the project is gone', async () => (await kapal.ps()).length === 0);
    assert.equal((await removal.ended).code, 0, 'the command that waited learns it');
    assert.notEqual((await deploy.ended).code, 0);
    await onlyOwned(kapal);
  });

  test('with everything that runs, in the middle of a build, as a power cut does: the build begins anew', async () => {
    const gate = new Gate(kapal, 'build');
    const deploy = going(kapal, 'deploy', await kapal.project('shop', shop('shop', [`buildCommand: ${gate.wait}`])));
    await running(kapal, 'build-');
    await killAll(kapal);
    await gate.open();
    await kapal.up();
    assert.deepEqual(await outcomes(deploy), ['live']);
    await onlyOwned(kapal);
  });
});

/** Resolves when so many runs of that kind have their program running; answers one's name. */
function running(kapal: TestKapal, kind: string, count = 1): Promise<string> {
  return eventually(`${count} of ${kind} running`, () => {
    const runs = new Set(
      processesOf(kapal).flatMap(({ role, run }) => (role === 'app' && run?.includes(kind) === true ? [run] : [])),
    );
    return runs.size >= count ? [...runs][0] : null;
  });
}

async function outcomes({ ended }: ReturnType<typeof going>, code = 0): Promise<string[]> {
  const ran = await ended;
  assert.equal(ran.code, code, `${ran.stdout}\n${ran.stderr}`);
  const document = JSON.parse(ran.stdout) as DeployDocument;
  return document.services.map((service) => service.outcome);
}

async function modeOf(kapal: TestKapal): Promise<string | null> {
  return (JSON.parse((await kapal.visit('shop.localhost')).body) as { mode: string | null }).mode;
}

async function printed(kapal: TestKapal, service: string, kind: LogDocument['kind']): Promise<string[]> {
  const ran = await kapal.run('logs', service, '--json');
  const lines = JSON.parse(ran.stdout) as LogDocument[];
  return lines.filter((line) => line.kind === kind).map((line) => line.text);
}
