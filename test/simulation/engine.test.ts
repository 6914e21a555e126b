import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { until } from '../patience.ts';
import { outcomeOf, type SimulatedKapal, simulatedKapal } from './engine/simulated-kapal.ts';

/** The real engine and record over simulated runtime, edge and builder. */

const web = (more = '', name = 'api') =>
  `project: shop\nservices:\n  - type: web\n    name: ${name}\n    runtime: node\n    startCommand: node server.js\n    numInstances: 2\n${more}`;

async function services(kapal: SimulatedKapal): ReturnType<SimulatedKapal['engine']['services']> {
  return kapal.engine.services({});
}

describe('engine', () => {
  test('a first deploy goes live and is routed; the same again is unchanged', async () => {
    await using kapal = await simulatedKapal();
    const first = await kapal.deploy(web());
    assert.deepEqual(
      first.services.map(({ service, release, outcome, urls }) => ({ service, release, outcome, urls })),
      [{ service: 'api', release: 1, outcome: 'live', urls: ['http://api.localhost:8080'] }],
    );
    const pool = kapal.edge.serving().pools.find((one) => one.id === 'shop/production/api');
    assert.equal(pool?.kind === 'proxy' ? pool.endpoints.length : 0, 2);
    const again = await kapal.deploy(web());
    assert.equal(again.services[0]?.outcome, 'unchanged');
    assert.equal(again.services[0]?.release, 1);
    assert.deepEqual(kapal.complaints, []);
  });

  test('a release that crashes at boot fails and the old one keeps serving', async () => {
    await using kapal = await simulatedKapal({
      behaviour: (run) =>
        run.command.includes('broken')
          ? { endsAfter: 20, listensAfter: null, exit: { code: 1, signal: null, reason: 'exited' } }
          : {},
    });
    await kapal.deploy(web());
    const [failed] = (await kapal.deploy(web().replace('server.js', 'broken.js'))).services;
    assert.equal(failed?.outcome, 'failed');
    assert.equal(failed?.error?.code, 'boot_crashed');
    const [api] = await services(kapal);
    assert.equal(api?.release, 1);
    assert.equal(api?.status, 'running');
    assert.ok(api?.instances.every((instance) => instance.release === 1 && instance.state === 'ready'));
  });

  test('a killed instance is started again and keeps its id', async () => {
    await using kapal = await simulatedKapal();
    await kapal.deploy(web());
    const before = (await services(kapal))[0]?.instances[0];
    assert.ok(before);
    kapal.runtime.crash(`${before.id}.1`);
    await until('restarted', async () => {
      const after = (await services(kapal))[0]?.instances.find((instance) => instance.id === before.id);
      return after?.restarts === 1 && after.state === 'ready';
    });
  });

  test('many services boot a few at a time; one that hangs fails by its own start time-out and delays only its turn', async () => {
    const begun: number[] = [];
    const boot = 60;
    let most = 0;
    await using kapal = await simulatedKapal({
      startSlots: 2,
      behaviour: (run) => {
        const now = performance.now();
        begun.push(now);
        // Those that cannot be ready yet, however slow this machine is.
        most = Math.max(most, begun.filter((at) => now - at < boot).length);
        return { listensAfter: run.command.includes('hangs') ? null : boot };
      },
    });
    const service = (name: string, program: string) =>
      `  - {type: web, name: ${name}, runtime: node, startCommand: node ${program}, startTimeoutSeconds: 1}\n`;
    const names = Array.from({ length: 12 }, (_, index) => `s${index}`);
    const { services: outcomes } = await kapal.deploy(
      `project: many\nservices:\n${service('stuck', 'hangs.js')}${names.map((name) => service(name, 'server.js')).join('')}`,
    );
    const failed = outcomes.filter(({ outcome }) => outcome !== 'live');
    assert.deepEqual(
      failed.map(({ service: name, error }) => [name, error?.code]),
      [['stuck', 'health_failed']],
    );
    assert.equal(outcomes.length, 13);
    assert.ok(most <= 2, `${most} booted at once`);
  });

  test('rollback is a new release with the old artifact and variables', async () => {
    await using kapal = await simulatedKapal();
    await kapal.deploy(web());
    await kapal.deploy(web().replace('server.js', 'second.js'));
    const service = kapal.engine.resolve('api', { environment: 'production' });
    const back = await kapal.engine.rollback(service, null);
    assert.equal((await outcomeOf(kapal.engine, back.id)).services[0]?.release, 3);
    const releases = kapal.engine.releases(service);
    assert.equal(releases[0]?.cause, 'rollback to 1');
    assert.equal(
      kapal.store.releases.get(service, 3)?.artifact?.id,
      kapal.store.releases.get(service, 1)?.artifact?.id,
    );
    assert.equal(kapal.store.releases.get(service, 3)?.spec.commands.start, 'node server.js');
  });

  test('scale, stop and start change instances and no release', async () => {
    await using kapal = await simulatedKapal();
    await kapal.deploy(web());
    const service = kapal.engine.resolve('api', { environment: 'production' });
    const finish = async (operation: Promise<{ id: string }>) => outcomeOf(kapal.engine, (await operation).id);
    assert.equal((await finish(kapal.engine.scale(service, 4))).services[0]?.outcome, 'live');
    assert.equal((await services(kapal))[0]?.instances.length, 4);
    await finish(kapal.engine.stop(service));
    const stopped = (await services(kapal))[0];
    assert.deepEqual([stopped?.status, stopped?.instances.length, stopped?.release], ['stopped', 0, 1]);
    await finish(kapal.engine.start(service));
    assert.equal((await services(kapal))[0]?.instances.filter((instance) => instance.state === 'ready').length, 4);
  });

  test('a variable without a value stops the deploy before anything is recorded; a value set before the first deploy is taken', async () => {
    await using kapal = await simulatedKapal();
    const yaml = web('    envVars:\n      - key: API_KEY\n        sync: false\n');
    await assert.rejects(kapal.deploy(yaml), /API_KEY/);
    assert.deepEqual(await services(kapal), []);
    assert.equal(
      await kapal.engine.setVariables(
        { project: undefined, environment: 'production', service: 'api' },
        { API_KEY: 'swordfish-1' },
      ),
      null,
    );
    assert.equal((await kapal.deploy(yaml)).services[0]?.outcome, 'live');
    const run = [...kapal.runtime.world.runs.values()].find((one) => one.spec.service === 'shop/production/api');
    assert.equal(run?.spec.environment['API_KEY'], 'swordfish-1');
  });

  test('a value that the release needs is not unset: what is refused changes nothing', async () => {
    await using kapal = await simulatedKapal();
    const at = { project: undefined, environment: 'production', service: 'api' };
    await kapal.engine.setVariables(at, { API_KEY: 'swordfish-1' });
    await kapal.deploy(web('    envVars:\n      - key: API_KEY\n        sync: false\n'));
    await assert.rejects(kapal.engine.setVariables(at, { API_KEY: null }), { code: 'variable_missing' });
    const api = kapal.engine.resolve('api', { environment: 'production' });
    assert.deepEqual(kapal.engine.variables(api, true), [{ key: 'API_KEY', source: 'set', value: 'swordfish-1' }]);
    assert.deepEqual(kapal.store.operations.running(), []);
  });

  test('env set on a live service rolls out a new release without a build', async () => {
    await using kapal = await simulatedKapal();
    await kapal.deploy(web());
    const set = await kapal.engine.setVariables(
      { project: undefined, environment: 'production', service: 'api' },
      { COLOUR: 'teal' },
    );
    assert.ok(set);
    assert.equal((await outcomeOf(kapal.engine, set.id)).services[0]?.release, 2);
    assert.equal(
      kapal.engine
        .variables(kapal.engine.resolve('api', { environment: 'production' }), true)
        .find((one) => one.key === 'COLOUR')?.value,
      'teal',
    );
  });

  test('values are not in the record in clear', async () => {
    await using kapal = await simulatedKapal();
    await kapal.deploy(web('    envVars:\n      - {key: TOKEN, value: planted-declared}\n'));
    await outcomeOf(
      kapal.engine,
      (
        await kapal.engine.setVariables(
          { project: undefined, environment: 'production', service: 'api' },
          { OTHER: 'planted-set' },
        )
      )?.id ?? '',
    );
    const rows = JSON.stringify([
      kapal.store.services.all(),
      kapal.store.releases.of(kapal.engine.resolve('api', { environment: 'production' })),
      kapal.store.operations.running(),
    ]);
    assert.ok(!rows.includes('planted-'), rows);
  });

  test('a second daemon adopts what runs, starts nothing twice and finishes what was acknowledged', async () => {
    await using kapal = await simulatedKapal({ behaviour: () => ({ listensAfter: 400 }) });
    await kapal.deploy(web());
    const pids = (await services(kapal))[0]?.instances.map((instance) => instance.pid);
    const operation = await kapal.engine.restart(kapal.engine.resolve('api', { environment: 'production' }));
    const second = await kapal.restart();
    assert.deepEqual(
      (await services(second))[0]?.instances
        .filter((instance) => instance.release === 1)
        .map((instance) => instance.pid),
      pids,
    );
    assert.equal((await outcomeOf(second.engine, operation.id)).services[0]?.outcome, 'live');
    await second[Symbol.asyncDispose]();
  });

  test('a newer deploy supersedes one that warms up; cancel stops one', async () => {
    await using kapal = await simulatedKapal({
      behaviour: (run) => (run.command.includes('slow') ? { listensAfter: 60_000 } : {}),
    });
    await kapal.deploy(web());
    const slow = kapal.deploy(web().replace('server.js', 'slow.js'));
    await until('warming', async () => (await services(kapal))[0]?.status === 'deploying');
    const newer = await kapal.deploy(web().replace('server.js', 'third.js'));
    assert.equal(newer.services[0]?.outcome, 'live');
    assert.equal((await slow).services[0]?.outcome, 'cancelled');
    const stuck = kapal.deploy(web().replace('server.js', 'slow2.js'));
    await until('warming again', async () => (await services(kapal))[0]?.status === 'deploying');
    await kapal.engine.cancel(kapal.engine.resolve('api', { environment: 'production' }));
    assert.equal((await stuck).services[0]?.outcome, 'cancelled');
    assert.equal((await services(kapal))[0]?.status, 'running');
  });

  test('removing a project leaves no row, run or route', async () => {
    await using kapal = await simulatedKapal();
    await kapal.deploy(web());
    await kapal.engine.removeProject('shop', { withDisks: false });
    assert.deepEqual(await services(kapal), []);
    assert.equal(kapal.store.instances.all().length, 0);
    assert.equal([...kapal.runtime.world.runs.values()].filter((run) => run.ended === null).length, 0);
    await until('no route', () => kapal.edge.serving().routes.length === 0);
  });

  test('values that were made for a group go with the last service of its project and environment', async () => {
    await using kapal = await simulatedKapal();
    const groups = 'envVarGroups:\n  - name: base\n    envVars: [{key: SESSION, generateValue: true}]\n';
    await kapal.deploy(`${web('    envVars: [{fromGroup: base}]\n')}${groups}`);
    const keys = () => kapal.store.variables.of('shop/production/@base').map(({ key }) => key);
    assert.deepEqual(keys(), ['SESSION']);
    await kapal.engine.removeProject('shop', { withDisks: false });
    assert.deepEqual(keys(), []);
  });

  test('of many releases the last hundred stay on record, and an older one while it has an instance', async () => {
    await using kapal = await simulatedKapal();
    await kapal.deploy(web());
    const service = kapal.engine.resolve('api', { environment: 'production' });
    const recorded = () => kapal.store.releases.of(service).map(({ number }) => number);
    const [first] = kapal.store.releases.of(service);
    assert.ok(first);
    // What failed long ago, as a Kapal left it that forgot nothing.
    for (let number = 2; number < 130; number += 1) {
      kapal.store.services.takeReleaseNumber(service);
      kapal.store.releases.insert({ ...first, number, artifact: null, status: 'failed' });
    }
    for (const next of [130, 131]) {
      const { id } = await kapal.engine.restart(service);
      assert.equal((await outcomeOf(kapal.engine, id)).services[0]?.release, next);
      // The instances of the first release may still be leaving when the second one is live.
      await until('the oldest have left', () =>
        recorded().every((number) => number > next - 100 || number === 131 - next),
      );
    }
    assert.deepEqual([recorded()[0], recorded().at(-1), recorded().length], [131, 32, 100]);
    assert.equal((await services(kapal))[0]?.status, 'running');
    assert.deepEqual(kapal.complaints, []);
  });

  test('a stuck build of one service does not hold up another', async () => {
    await using kapal = await simulatedKapal({
      buildSlots: 2,
      behaviour: (run) => (run.id.startsWith('build-') ? { endsAfter: 60_000 } : {}),
    });
    const stuck = kapal.deploy(web('    buildCommand: sleep 60\n', 'slow').replace('shop', 'one'));
    const live = await kapal.deploy(web().replace('shop', 'two'));
    assert.equal(live.services[0]?.outcome, 'live');
    await kapal.engine.cancel(kapal.engine.resolve('slow', { environment: 'production' }));
    assert.equal((await stuck).services[0]?.outcome, 'cancelled');
  });
});
