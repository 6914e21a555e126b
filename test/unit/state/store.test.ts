import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { KapalError } from '../../../src/model/errors.ts';
import { openStore } from '../../../src/state/open.ts';
import type { Store } from '../../../src/state/store.ts';
import { instance, operation, other, release, rollout, service, shop, spec, task } from './sample.ts';

function opened(): Store & Disposable {
  const store = openStore(':memory:');
  return { ...store, [Symbol.dispose]: () => store.close() };
}

function refuses(code: KapalError['code']): (error: unknown) => boolean {
  return (error) => error instanceof KapalError && error.code === code;
}

describe('services', () => {
  test('a row comes back as it was written, and is frozen', () => {
    using store = opened();
    store.services.insert(service());
    assert.deepEqual(store.services.get(shop), service());
    assert.ok(Object.isFrozen(store.services.get(shop)?.spec.variables[0]));
    assert.equal(store.services.get(other), null);
  });

  test('all are sorted by id', () => {
    using store = opened();
    store.services.insert(service({ id: other, host: 'web.localhost', privatePort: null }));
    store.services.insert(service());
    assert.deepEqual(
      store.services.all().map((row) => row.id),
      [shop, other],
    );
  });

  test('an update changes what it names and nothing else', () => {
    using store = opened();
    store.services.insert(service());
    store.services.update(shop, { scale: null, removing: true, spec: { ...spec, instances: 9 } });
    assert.deepEqual(
      store.services.get(shop),
      service({ scale: null, removing: true, spec: { ...spec, instances: 9 } }),
    );
  });

  test('current is changed by compare-and-set only', () => {
    using store = opened();
    store.services.insert(service({ current: null }));
    assert.equal(store.services.promote(shop, 1, 2), false);
    assert.equal(store.services.promote(shop, null, 1), true);
    assert.equal(store.services.promote(shop, null, 2), false);
    assert.equal(store.services.get(shop)?.current, 1);
    assert.equal(store.services.promote(shop, 1, null), true);
    assert.equal(store.services.get(shop)?.current, null);
  });

  test('release numbers are taken once', () => {
    using store = opened();
    store.services.insert(service({ nextRelease: 1 }));
    assert.deepEqual([store.services.takeReleaseNumber(shop), store.services.takeReleaseNumber(shop)], [1, 2]);
    assert.equal(store.services.get(shop)?.nextRelease, 3);
  });

  test('a host name and a private port have one service', () => {
    using store = opened();
    store.services.insert(service());
    assert.throws(() => store.services.insert(service({ id: other, privatePort: null })), refuses('domain_taken'));
    assert.throws(() => store.services.insert(service({ id: other, host: null })), refuses('conflict'));
  });

  test('what is not there is refused by name', () => {
    using store = opened();
    assert.throws(() => store.services.update(shop, { scale: 1 }), refuses('not_found'));
    assert.throws(() => store.services.takeReleaseNumber(shop), refuses('not_found'));
    assert.throws(() => store.instances.update('i9', { attempt: 1 }), refuses('not_found'));
  });

  test('removing takes all rows that belong to it, and finished tasks stay with their operation', () => {
    using store = opened();
    for (const row of [service(), service({ id: other, host: 'web.localhost', privatePort: null })])
      store.services.insert(row);
    store.releases.insert(release());
    store.rollouts.insert(rollout());
    store.instances.insert(instance());
    store.variables.set({ owner: shop, key: 'A', sealed: 'v1:x', source: 'set' });
    store.domains.add({ host: 'api.example.com', path: '/', service: shop, source: 'added' });
    store.operations.insert(operation(), [task(), task({ service: other })]);
    store.operations.insert(operation({ id: 'o2' }), [task({ operation: 'o2', stage: 'finished', outcome: 'live' })]);
    assert.equal(store.instances.of(shop).length, 1);
    assert.notEqual(store.releases.get(shop, 1), null);

    store.services.remove(shop);

    assert.equal(store.services.get(shop), null);
    assert.deepEqual(
      [store.releases.get(shop, 1), store.rollouts.get('r1'), store.instances.get('i1')],
      [null, null, null],
    );
    assert.deepEqual(
      [store.releases.of(shop), store.instances.of(shop), store.variables.of(shop), store.domains.of(shop)],
      [[], [], [], []],
    );
    assert.deepEqual(
      store.operations.tasks('o1').map((row) => row.service),
      [other],
    );
    assert.deepEqual(
      store.operations.tasks('o2').map((row) => row.outcome),
      ['live'],
    );
    assert.deepEqual(
      store.services.all().map((row) => row.id),
      [other],
    );
  });
});

describe('releases, rollouts, instances', () => {
  test('each comes back as it was written', () => {
    using store = opened();
    store.services.insert(service());
    store.releases.insert(release());
    store.releases.insert(release({ number: 2, source: null, artifact: null, error: null, status: 'pending' }));
    store.rollouts.insert(rollout());
    store.instances.insert(instance());
    assert.deepEqual(store.releases.get(shop, 1), release());
    assert.deepEqual(
      store.releases.of(shop).map((row) => row.number),
      [2, 1],
    );
    assert.deepEqual(store.rollouts.get('r1'), rollout());
    assert.deepEqual(store.instances.get('i1'), instance());
  });

  test('a release changes in status, error and pruned', () => {
    using store = opened();
    store.services.insert(service());
    store.releases.insert(release());
    assert.equal(store.releases.get(shop, 1)?.pruned, false);
    store.releases.update(shop, 1, { status: 'live', error: null, pruned: true });
    assert.deepEqual(store.releases.get(shop, 1), release({ status: 'live', error: null, pruned: true }));
  });

  test('a service has one rollout in flight', () => {
    using store = opened();
    store.services.insert(service());
    store.rollouts.insert(rollout());
    assert.throws(() => store.rollouts.insert(rollout({ id: 'r2' })), refuses('conflict'));
    store.rollouts.update('r1', { finishedAt: 20, outcome: 'failed', error: release().error });
    assert.equal(store.rollouts.active(shop), null);
    store.rollouts.insert(rollout({ id: 'r2' }));
    assert.equal(store.rollouts.active(shop)?.id, 'r2');
    assert.deepEqual(
      store.rollouts.allActive().map((row) => row.id),
      ['r2'],
    );
    assert.deepEqual(store.rollouts.get('r1'), rollout({ finishedAt: 20, outcome: 'failed', error: release().error }));
  });

  test('instances that are gone leave the list of their service before they leave the record', () => {
    using store = opened();
    store.services.insert(service());
    store.instances.insert(instance({ id: 'b', createdAt: 1 }));
    store.instances.insert(instance({ id: 'a', createdAt: 2 }));
    assert.deepEqual(
      store.instances.of(shop).map((row) => row.id),
      ['b', 'a'],
    );
    store.instances.update('b', { state: 'gone', handle: null, lastExit: null, retryAt: null });
    assert.deepEqual(
      store.instances.of(shop).map((row) => row.id),
      ['a'],
    );
    assert.deepEqual(
      store.instances.all().map((row) => row.id),
      ['b', 'a'],
    );
    store.instances.remove('b');
    store.instances.remove('b');
    assert.deepEqual(
      store.instances.all().map((row) => row.id),
      ['a'],
    );
  });

  test('an instance has a service', () => {
    using store = opened();
    assert.throws(() => store.instances.insert(instance()), /FOREIGN KEY/);
  });
});

describe('operations', () => {
  test('operation and tasks come back as they were written', () => {
    using store = opened();
    store.operations.insert(operation({ idempotencyKey: 'k' }), [task()]);
    store.operations.addTask(task({ service: other, buildRun: null, artifact: null }));
    assert.deepEqual(store.operations.get('o1'), operation({ idempotencyKey: 'k' }));
    assert.deepEqual(store.operations.byKey('k'), operation({ idempotencyKey: 'k' }));
    assert.deepEqual(store.operations.tasks('o1'), [task(), task({ service: other, buildRun: null, artifact: null })]);
    assert.throws(() => store.operations.insert(operation({ id: 'o2', idempotencyKey: 'k' }), []), refuses('conflict'));
  });

  test('an insert with a bad task leaves nothing', () => {
    using store = opened();
    assert.throws(() => store.operations.insert(operation(), [task(), task()]), /UNIQUE/);
    assert.equal(store.operations.get('o1'), null);
  });

  test('open tasks of a service are those unfinished, in the order of their operations, whatever the clock said', () => {
    using store = opened();
    store.operations.insert(operation({ id: 'first', createdAt: 9 }), [task({ operation: 'first' })]);
    store.operations.insert(operation({ id: 'second', createdAt: 3 }), [task({ operation: 'second' })]);
    assert.deepEqual(
      store.operations.openTasks(shop).map((row) => row.operation),
      ['first', 'second'],
    );
    store.operations.updateTask('first', shop, { stage: 'finished', outcome: 'live', release: 4, buildRun: null });
    assert.deepEqual(
      store.operations.openTasks(shop).map((row) => row.operation),
      ['second'],
    );
    assert.deepEqual(store.operations.tasks('first'), [
      task({ operation: 'first', stage: 'finished', outcome: 'live', release: 4, buildRun: null }),
    ]);
  });

  test('trim keeps the newest finished ones and all that run', () => {
    using store = opened();
    for (const [index, id] of ['o1', 'o2', 'o3', 'o4'].entries()) {
      store.operations.insert(operation({ id }), [task({ operation: id })]);
      if (id !== 'o1') store.operations.finish(id, index, index === 1 ? release().error : null);
    }
    store.operations.trim({ keep: 1, before: 2 });
    assert.ok(store.operations.get('o3') !== null, 'it finished too lately to go');
    store.operations.trim({ keep: 1, before: 9 });
    assert.deepEqual(
      store.operations.running().map((row) => row.id),
      ['o1'],
    );
    assert.deepEqual(
      ['o2', 'o3', 'o4'].map((id) => store.operations.get(id)?.state),
      [undefined, undefined, 'finished'],
    );
    assert.deepEqual(store.operations.tasks('o2'), []);
  });
});

describe('what has had its time', () => {
  test('ended rollouts of a service beyond the newest leave; the one in flight and those of others stay', () => {
    using store = opened();
    store.services.insert(service());
    store.services.insert(service({ id: other, host: 'web.localhost', privatePort: null }));
    for (const [index, id] of ['r1', 'r2', 'r3'].entries()) store.rollouts.insert(rollout({ id, finishedAt: index }));
    store.rollouts.insert(rollout({ id: 'elsewhere', service: other, finishedAt: 0 }));
    store.rollouts.insert(rollout({ id: 'active', finishedAt: null }));
    store.rollouts.trim(shop, 1);
    assert.deepEqual(
      ['r1', 'r2', 'r3', 'elsewhere', 'active'].filter((id) => store.rollouts.get(id) !== null),
      ['r3', 'elsewhere', 'active'],
    );
  });

  test('a release that was removed is nowhere any more', () => {
    using store = opened();
    store.services.insert(service());
    for (const number of [1, 2]) store.releases.insert(release({ number }));
    assert.equal(store.releases.get(shop, 1)?.number, 1);
    store.releases.remove(shop, 1);
    assert.equal(store.releases.get(shop, 1), null);
    assert.deepEqual(
      store.releases.of(shop).map(({ number }) => number),
      [2],
    );
  });
});

describe('variables, facts, events', () => {
  test('a variable is set, replaced and unset', () => {
    using store = opened();
    store.variables.set({ owner: 'shop/production/@base', key: 'B', sealed: '1', source: 'generated' });
    store.variables.set({ owner: 'shop/production/@base', key: 'A', sealed: '2', source: 'set' });
    store.variables.set({ owner: 'shop/production/@base', key: 'B', sealed: '3', source: 'set' });
    assert.deepEqual(
      store.variables.of('shop/production/@base').map((row) => row.key + row.sealed),
      ['A2', 'B3'],
    );
    assert.equal(store.variables.get('shop/production/@base', 'B')?.source, 'set');
    assert.deepEqual(
      [store.variables.unset('shop/production/@base', 'B'), store.variables.unset('x', 'B')],
      [true, false],
    );
    assert.equal(store.variables.get('shop/production/@base', 'B'), null);
  });

  test('values of groups go by project and environment; those of services and of others stay', () => {
    using store = opened();
    const owners = [
      'shop/production/@a',
      'shop/production/@b',
      'shop/production/api',
      'shop/staging/@a',
      'shop2/production/@a',
    ];
    for (const owner of owners) store.variables.set({ owner, key: 'K', sealed: '1', source: 'set' });
    store.variables.forgetGroups('shop', 'production');
    assert.deepEqual(
      owners.filter((owner) => store.variables.get(owner, 'K') !== null),
      owners.slice(2),
    );
  });

  test('a fact is the last one that was set', () => {
    using store = opened();
    assert.equal(store.facts.get('install'), null);
    store.facts.set('install', '1');
    store.facts.set('install', '2');
    assert.equal(store.facts.get('install'), '2');
  });

  test('events keep their numbers when the old ones go', () => {
    using store = opened();
    const event = { time: 1, kind: 'deploy', service: shop, project: 'shop', message: 'm' } as const;
    for (let count = 0; count < 5; count += 1) store.events.append(event);
    assert.deepEqual(
      store.events.last(2),
      [4, 5].map((sequence) => ({ ...event, sequence })),
    );
    assert.deepEqual(
      store.events.after(1, 2).map((row) => row.sequence),
      [2, 3],
    );
    assert.equal(store.events.append({ ...event, service: null, project: null }).sequence, 6);
    store.transaction(() => {
      for (let count = 6; count < 10_350; count += 1) store.events.append(event);
    });
    assert.equal(store.events.after(0, 1)[0]?.sequence, 301, 'the oldest have left');
    assert.equal(store.events.last(20_000).at(-1)?.sequence, 10_350);
  });
});

describe('domains', () => {
  test('a host has one service, default names included', () => {
    using store = opened();
    store.services.insert(service());
    store.services.insert(service({ id: other, host: 'web.localhost', privatePort: null }));
    store.domains.add({ host: 'a.example', path: '/', service: shop, source: 'added' });
    assert.throws(
      () => store.domains.add({ host: 'a.example', path: '/', service: other, source: 'added' }),
      refuses('domain_taken'),
    );
    assert.throws(
      () => store.domains.add({ host: 'api.localhost', path: '/', service: other, source: 'added' }),
      refuses('domain_taken'),
    );
    assert.deepEqual(store.domains.get('a.example'), { host: 'a.example', path: '/', service: shop, source: 'added' });
  });

  test('declaring makes the declared hosts exactly these, and added ones stay', () => {
    using store = opened();
    store.services.insert(service());
    store.services.insert(service({ id: other, host: 'web.localhost', privatePort: null }));
    store.domains.add({ host: 'added.example', path: '/', service: shop, source: 'added' });
    store.domains.declare(shop, ['one.example', 'two.example', 'added.example']);
    store.domains.declare(shop, ['two.example', 'three.example']);
    assert.deepEqual(
      store.domains.of(shop).map((row) => [row.host, row.source]),
      [
        ['added.example', 'added'],
        ['three.example', 'declared'],
        ['two.example', 'declared'],
      ],
    );
    assert.throws(() => store.domains.declare(other, ['web.example', 'two.example']), refuses('domain_taken'));
    assert.deepEqual(store.domains.of(other), []);
    store.domains.remove('two.example');
    assert.deepEqual(
      store.domains.all().map((row) => row.host),
      ['added.example', 'three.example'],
    );
  });
});
