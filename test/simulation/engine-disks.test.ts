import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { RunSpec } from '../../src/runtime/port.ts';
import { until } from '../patience.ts';
import { outcomeOf, type SimulatedKapal, simulatedKapal } from './engine/simulated-kapal.ts';

/** The real engine and record over simulated runtime, edge and disks. */

const web = ({ mode = 'one', more = '', disk = true } = {}) =>
  [
    'project: shop',
    'services:',
    '  - type: web',
    '    name: api',
    '    runtime: node',
    '    startCommand: node server.js',
    '    maxShutdownDelaySeconds: 1',
    ...(disk ? ['    disk: {name: data, mountPath: data, sizeGB: 1}'] : []),
    `    envVars: [{key: MODE, value: ${mode}}]`,
    more,
  ].join('\n');

/** Whatever begins on the disk notes what else is alive there. */
function watched(behaviour: (run: RunSpec) => object = () => ({})): {
  readonly together: string[];
  readonly start: () => Promise<SimulatedKapal>;
} {
  const together: string[] = [];
  let kapal: SimulatedKapal | null = null;
  const look = (run: RunSpec): object => {
    const others = [...(kapal?.runtime.world.runs.values() ?? [])].filter(
      (one) => one.ended === null && one.spec.environment['KAPAL_DISK'] !== undefined,
    );
    if (run.environment['KAPAL_DISK'] !== undefined)
      together.push(...others.map((one) => `${run.id} beside ${one.handle.id}`));
    return { terminatesAfter: 100, ...behaviour(run) };
  };
  return { together, start: async () => (kapal = await simulatedKapal({ behaviour: look })) };
}

describe('a service with a disk', () => {
  test('is deployed again without two of it at a time, and the gap is told', async () => {
    const { together, start } = watched();
    await using kapal = await start();
    await kapal.deploy(web());
    for (const mode of ['two', 'three']) assert.equal((await kapal.deploy(web({ mode }))).services[0]?.outcome, 'live');
    const gaps = kapal.engine.events({ limit: 100 }).filter(({ kind }) => kind === 'rollout.gap');
    assert.equal(gaps.length, 2);
    assert.match(gaps[0]?.message ?? '', /^api answered nothing for [\d.]+ s: it has a disk/);
    assert.deepEqual(together, []);
    const planned = await kapal.engine.rollback('shop/production/api' as never, 1);
    assert.equal((await outcomeOf(kapal.engine, planned.id)).services[0]?.outcome, 'live');
    assert.deepEqual(together, []);
  });

  test('three instances give way to one, and a failed release to the old one', async () => {
    const { together, start } = watched((run) =>
      run.environment['MODE'] === 'broken'
        ? { endsAfter: 20, listensAfter: null, exit: { code: 1, signal: null, reason: 'exited' } }
        : {},
    );
    await using kapal = await start();
    await kapal.deploy(web({ disk: false, more: '    numInstances: 3\n' }));
    assert.equal((await kapal.deploy(web())).services[0]?.outcome, 'live');
    assert.equal((await kapal.engine.services({}))[0]?.desired, 1);
    assert.equal((await kapal.deploy(web({ mode: 'broken' }))).services[0]?.outcome, 'failed');
    const [service] = await kapal.engine.services({});
    assert.deepEqual(
      service?.instances.map(({ state, release }) => [state, release]),
      [['ready', 2]],
    );
    assert.deepEqual(together, []);
  });

  test('a daemon that begins anew at any moment of it starts no second one', async () => {
    const { together, start } = watched(() => ({ listensAfter: 50 }));
    await using first = await start();
    await first.deploy(web());
    let kapal: SimulatedKapal = first;
    for (const state of ['draining', 'stopping', 'starting']) {
      const deploy = kapal.deploy(web({ mode: state })).catch(() => null);
      const seen = kapal;
      await until(`an instance is ${state}`, async () => {
        const [service] = await seen.engine.services({});
        return service?.instances.some((one) => one.state === state) === true || service?.release !== 1;
      }).catch(() => undefined);
      kapal = await kapal.restart();
      const next = kapal;
      await until('the rollout has ended', () => Promise.resolve(next.store.rollouts.allActive().length === 0));
      void deploy;
    }
    await kapal.engine.close();
    assert.deepEqual(together, []);
  });

  test('is warned of as it fills, counted again with another size, and kept when its project goes', async () => {
    await using kapal = await simulatedKapal();
    await kapal.deploy(web());
    const disk = 'shop/production/api/data';
    kapal.disks.there.set(disk, 900 * 1024 ** 2);
    assert.equal((await kapal.engine.persistentDisks({}))[0]?.usedBytes, 900 * 1024 ** 2);
    kapal.disks.there.set(disk, 2 * 1024 ** 3);
    await kapal.engine.persistentDisks({});
    await kapal.deploy(web().replace('sizeGB: 1', 'sizeGB: 10'));
    assert.equal((await kapal.engine.persistentDisks({}))[0]?.sizeBytes, 10 * 1024 ** 3);
    const told = kapal.engine.events({ limit: 100 }).filter(({ kind }) => kind.startsWith('disk.'));
    assert.deepEqual(
      told.map(({ kind }) => kind),
      ['disk.filling', 'disk.over', 'disk.roomy'],
    );
    assert.match(told[1]?.message ?? '', /2\.0 GiB of 1\.0 GiB are used on the disk data of api; nothing stops it/);

    await assert.rejects(
      kapal.engine.removeProject('shop', { withDisks: false }),
      /shop has a disk with data: data of api/,
    );
    await assert.rejects(kapal.engine.removeDisk('shop/production/api' as never, 'data'), /api has the disk data/);
    await kapal.engine.removeProject('shop', { withDisks: true });
    assert.deepEqual([...kapal.disks.there], []);
    assert.deepEqual(await kapal.engine.persistentDisks({}), []);
  });
});
