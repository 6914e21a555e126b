import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { KapalError } from '../../src/model/errors.ts';
import { longestBackoff } from '../../src/rollout/backoff.ts';
import { until } from '../patience.ts';
import { outcomeOf, type SimulatedKapal, simulatedKapal } from './engine/simulated-kapal.ts';

/** What the simulation of a whole Kapal has found once, each by itself. */

const web = (more = '', name = 'api') =>
  `project: shop\nservices:\n  - type: web\n    name: ${name}\n    runtime: node\n    startCommand: node server.js\n    numInstances: 2\n${more}`;
const at = { environment: 'production' };

/** Asks for a deploy of older code from a remote, which answers when `late` is called. */
async function fetchedLate(kapal: SimulatedKapal): Promise<{ remote: { readonly id: string }; late: () => void }> {
  const answer = Promise.withResolvers<void>();
  kapal.fetches(async () => {
    await answer.promise;
    return web().replace('server.js', 'old.js');
  });
  const source = { kind: 'git', url: 'https://git.example/shop.git', branch: null } as const;
  return { remote: await kapal.engine.deploy({ ...at, source }), late: answer.resolve };
}

function aliveRuns(kapal: SimulatedKapal): string[] {
  return [...kapal.runtime.world.runs.values()].filter((run) => run.ended === null).map((run) => run.handle.id);
}

/** The next call fails, before or after it takes effect. */
function failOnce(kapal: SimulatedKapal, method: 'start' | 'dispose' | 'observe', after: boolean): void {
  const { runtime } = kapal;
  const real = runtime[method].bind(runtime) as (value: never) => Promise<never>;
  let failed = false;
  const failing = async (value: never): Promise<never> => {
    if (failed) return real(value);
    failed = true;
    if (after) await real(value);
    throw new KapalError('runtime_failed', 'refused once');
  };
  Object.assign(runtime, { [method]: failing });
}

describe('engine over what fails once', () => {
  test('a start that took effect and failed leaves no run beside the next attempt', async () => {
    await using kapal = await simulatedKapal();
    failOnce(kapal, 'start', true);
    await kapal.deploy(web());
    const owned = kapal.store.instances.all().map(({ id, attempt }) => `${id}.${attempt}`);
    assert.deepEqual(aliveRuns(kapal).toSorted(), owned.toSorted());
    assert.equal(owned.filter((run) => run.endsWith('.2')).length, 1);
  });

  test('a preDeployCommand that began although its start failed does not go on beside what has the disk', async () => {
    await using kapal = await simulatedKapal();
    const notebook = (more = '') =>
      `project: shop\nservices:\n  - {type: web, name: api, runtime: node, startCommand: node server.js, disk: {name: data, mountPath: data}${more}}\n`;
    await kapal.deploy(notebook());
    failOnce(kapal, 'start', true);
    const { services } = await kapal.deploy(notebook(', preDeployCommand: node migrate.js'));
    assert.equal(services[0]?.error?.code, 'predeploy_failed');
    const [instance] = kapal.store.instances.all();
    assert.deepEqual(aliveRuns(kapal), [`${instance?.id}.${instance?.attempt}`]);
  });

  test('a run that could not be disposed of is tried again', async () => {
    await using kapal = await simulatedKapal();
    await kapal.deploy(web());
    const service = kapal.engine.resolve('api', at);
    failOnce(kapal, 'dispose', false);
    await outcomeOf(kapal.engine, (await kapal.engine.scale(service, 1)).id);
    await until('its run and its row are gone', () => kapal.runtime.world.runs.size === 1);
    assert.equal(kapal.store.instances.all().length, 1);
  });

  test('a daemon whose first look at a service fails leaves the service in the table', async () => {
    await using kapal = await simulatedKapal();
    await kapal.deploy(web());
    const named = (): number =>
      kapal.edge.serving().pools.flatMap((pool) => (pool.kind === 'proxy' ? pool.endpoints : [])).length;
    assert.equal(named(), 2);
    let least = 2;
    const apply = kapal.edge.apply.bind(kapal.edge);
    kapal.edge.apply = async (table) => {
      await apply(table);
      least = Math.min(least, named());
    };
    failOnce(kapal, 'observe', false);
    await using again = await kapal.restart();
    await until('it has seen its instances', () => again.edge.serving().pools.length === 1);
    assert.equal(least, 2);
  });

  test('a service that cannot be removed does not keep its loop and the edge busy', async () => {
    await using kapal = await simulatedKapal();
    await kapal.deploy(web());
    let applied = 0;
    const apply = kapal.edge.apply.bind(kapal.edge);
    kapal.edge.apply = (table) => ((applied += 1), apply(table));
    let refusals = 0;
    const forget = kapal.runtime.forget.bind(kapal.runtime);
    kapal.runtime.forget = (service) => {
      refusals += 1;
      return refusals < 8 ? Promise.reject(new KapalError('runtime_failed', 'its home is busy')) : forget(service);
    };
    await kapal.engine.removeProject('shop', { withDisks: false });
    assert.ok(applied < 10, `${applied} tables`);
  });

  test('moments that lie ahead since the clock was set back become now', async () => {
    await using kapal = await simulatedKapal();
    await kapal.deploy(web());
    const day = 24 * 3_600_000;
    const [instance] = kapal.store.instances.all();
    assert.ok(instance !== undefined);
    const ahead = Date.now() + day;
    await kapal.engine.close();
    kapal.store.instances.update(instance.id, { state: 'waiting', since: ahead, startedAt: ahead, retryAt: ahead });
    await using again = await kapal.restart();
    const moved = again.store.instances.get(instance.id);
    assert.ok(moved !== null && moved.since <= Date.now() && moved.startedAt <= Date.now());
    assert.ok((moved.retryAt ?? 0) <= Date.now() + longestBackoff);
  });

  test('what is in flight does not hold up a removal of which only the wish is on record', async () => {
    await using kapal = await simulatedKapal({
      behaviour: (run) => (run.id.endsWith('.predeploy') ? { endsAfter: null } : {}),
    });
    await kapal.deploy(web());
    const hanging = kapal.deploy(web('    preDeployCommand: sleep infinity\n'));
    await until('it prepares', () => kapal.store.rollouts.allActive().some(({ phase }) => phase === 'preparing'));
    const [service] = kapal.store.services.all();
    assert.ok(service !== undefined);
    await kapal.engine.close();
    kapal.store.services.update(service.id, { removing: true });
    await using again = await kapal.restart();
    await until('it is gone', () => again.store.services.get(service.id) === null);
    assert.deepEqual(aliveRuns(again), []);
    void hanging.catch(() => undefined);
  });

  test('nothing is begun for a service that is on its way out', async () => {
    await using kapal = await simulatedKapal();
    await kapal.deploy(web());
    const { engine } = kapal;
    const service = engine.resolve('api', at);
    const removed = engine.removeProject('shop', { withDisks: false });
    const refused = { code: 'conflict', message: 'service api is being removed' };
    await assert.rejects(engine.restart(service), refused);
    await assert.rejects(engine.scale(service, 3), refused);
    await assert.rejects(engine.stop(service), refused);
    await assert.rejects(engine.setVariables({ ...at, project: 'shop', service: 'api' }, { MODE: 'late' }), refused);
    await assert.rejects(engine.addDomain(service, 'kopi.example.com', {}), refused);
    await removed;
    assert.deepEqual(kapal.store.operations.running(), []);
  });

  test('a fetch that was slow does not cancel the deploy that came after it', async () => {
    await using kapal = await simulatedKapal({ behaviour: () => ({ listensAfter: 300 }) });
    await kapal.deploy(web());
    const { remote, late } = await fetchedLate(kapal);
    const newer = kapal.deploy(web().replace('server.js', 'new.js'));
    await until('it is under way', () => kapal.store.operations.running().length === 2);
    late();
    assert.equal((await newer).services[0]?.outcome, 'live');
    assert.equal((await outcomeOf(kapal.engine, remote.id)).services[0]?.outcome, 'cancelled');
  });

  test('a fetch that was slow does not replace the deploy that came after it and is live', async () => {
    await using kapal = await simulatedKapal();
    await kapal.deploy(web());
    const { remote, late } = await fetchedLate(kapal);
    assert.equal((await kapal.deploy(web().replace('server.js', 'new.js'))).services[0]?.outcome, 'live');
    late();
    assert.equal((await outcomeOf(kapal.engine, remote.id)).services[0]?.outcome, 'cancelled');
    const [service] = kapal.store.services.all();
    assert.equal(service?.current, 2);
  });

  test('the tree of a deploy that waits is in use', async () => {
    await using kapal = await simulatedKapal({
      behaviour: (run) => (run.id.startsWith('build-') ? { endsAfter: 600_000 } : {}),
    });
    await kapal.deploy(web());
    const waiting = kapal.deploy(web('    buildCommand: make\n', 'slow').replace('shop', 'two'));
    await until('it builds', () => kapal.store.operations.running().length === 1);
    const before = kapal.collected();
    await outcomeOf(kapal.engine, (await kapal.engine.restart(kapal.engine.resolve('api', at))).id);
    await until('trees were collected', () => kapal.collected() !== before);
    assert.equal(kapal.collected().size, 2, 'its own and that of the live release');
    await kapal.engine.cancel(kapal.engine.resolve('slow', at));
    await waiting;
  });
});
