import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { openStore } from '../../../src/state/open.ts';
import type { JobRow } from '../../../src/state/records.ts';
import { service, shop } from './sample.ts';

const job: JobRow = {
  id: 'nightly-20261122t0200z-3f9a1c',
  service: shop,
  release: 2,
  cause: 'schedule',
  slot: 1_700_000_040_000,
  state: 'queued',
  command: 'sealed',
  attached: true,
  timeout: 5_000,
  ending: null,
  handle: null,
  createdAt: 1_700_000_040_001,
  startedAt: null,
  endedAt: null,
  exit: null,
  result: null,
};

describe('jobs on record', () => {
  test('come back as they were written, and as they were changed', () => {
    const store = openStore(':memory:');
    store.services.insert(service());
    store.jobs.insert(job);
    assert.deepEqual(store.jobs.get(job.id), job);
    const handle = { id: job.id, service: shop, port: null, log: '/log', driver: { boot: 'b' } };
    const exit = { code: 3, signal: null, reason: 'exited', at: 9, detail: null } as const;
    const change = {
      state: 'ended',
      ending: 'timeout',
      handle,
      startedAt: 7,
      endedAt: 9,
      exit,
      result: 'timeout',
    } as const;
    store.jobs.update(job.id, change);
    assert.deepEqual(store.jobs.get(job.id), { ...job, ...change });
    assert.throws(() => store.jobs.update('nothing', { state: 'ended' }), /nothing/);
    store.close();
  });

  test('open ones stand in the order in which they were asked for; ended ones leave beyond a number', () => {
    const store = openStore(':memory:');
    store.services.insert(service());
    for (const [id, state] of [
      ['a', 'ended'],
      ['b', 'running'],
      ['c', 'ended'],
      ['d', 'queued'],
      ['e', 'ended'],
    ] as const)
      store.jobs.insert({ ...job, id, state });
    assert.deepEqual(
      store.jobs.open(shop).map(({ id }) => id),
      ['b', 'd'],
    );
    assert.deepEqual(
      store.jobs.allOpen().map(({ id }) => id),
      ['b', 'd'],
    );
    store.jobs.trim(shop, 1);
    assert.deepEqual(
      store.jobs.of(shop).map(({ id }) => id),
      ['e', 'd', 'b'],
    );
    store.close();
  });

  test('a slot is taken once, whatever became of its job', () => {
    const store = openStore(':memory:');
    store.services.insert(service());
    store.jobs.take(shop, 60_000);
    assert.deepEqual([store.jobs.isTaken(shop, 60_000), store.jobs.isTaken(shop, 120_000)], [true, false]);
    assert.throws(() => store.jobs.take(shop, 60_000));
    store.jobs.forgetSlots(shop, 60_001);
    assert.equal(store.jobs.isTaken(shop, 60_000), false);
    const schedule = { service: shop, expression: '* * * * *', timeZone: 'UTC', cursor: 5 };
    store.jobs.putSchedule(schedule);
    store.jobs.putSchedule({ ...schedule, cursor: 6 });
    assert.equal(store.jobs.schedule(shop)?.cursor, 6);
    store.jobs.forgetSchedule(shop);
    assert.equal(store.jobs.schedule(shop), null);
    store.jobs.insert(job);
    assert.equal(store.jobs.isTaken(shop, job.slot ?? 0), true, 'by its job, as long as that is remembered');
    store.services.remove(shop);
    assert.equal(store.jobs.get(job.id), null, 'and all of it goes with the service');
    store.close();
  });
});
