import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { openStore } from '../../../src/state/open.ts';
import type { Store } from '../../../src/state/store.ts';
import { handle, instance, release, service, shop } from './sample.ts';

function opened(): Store & Disposable {
  const store = openStore(':memory:');
  return { ...store, [Symbol.dispose]: () => store.close() };
}

describe('transactions', () => {
  test('a failure undoes everything, what was read meanwhile too', () => {
    using store = opened();
    store.services.insert(service());
    store.instances.insert(instance());
    const fail = (): void => {
      store.instances.update('i1', { state: 'ready' });
      store.services.update(shop, { scale: 77 });
      store.releases.insert(release());
      assert.equal(store.instances.of(shop)[0]?.state, 'ready');
      assert.equal(store.services.get(shop)?.scale, 77);
      assert.notEqual(store.releases.get(shop, 1), null);
      throw new Error('stop');
    };
    assert.throws(() => store.transaction(fail), /stop/);
    assert.deepEqual([store.instances.of(shop), store.services.get(shop)], [[instance()], service()]);
    assert.equal(store.releases.get(shop, 1), null);
  });

  test('an inner one joins; when it fails the outer is undone even if it went on', () => {
    using store = opened();
    const inner = (): void =>
      store.transaction(() => {
        store.facts.set('inner', '1');
        throw new Error('inner');
      });
    assert.throws(() => store.transaction(() => (store.facts.set('outer', '1'), assert.throws(inner))), /inner/);
    assert.deepEqual([store.facts.get('outer'), store.facts.get('inner')], [null, null]);
    assert.equal(
      store.transaction(() => (store.facts.set('outer', '2'), store.transaction(() => 7))),
      7,
    );
    assert.equal(store.facts.get('outer'), '2');
  });

  test('work that waits is refused', () => {
    using store = opened();
    assert.throws(() => store.transaction(async () => store.facts.set('a', '1')), TypeError);
    assert.equal(store.facts.get('a'), null);
  });
});

describe('memory', () => {
  test('what is kept equals the file after any mixture of writes, reads and rollbacks', () => {
    using store = opened();
    store.services.insert(service({ current: null, nextRelease: 1 }));
    let seed = 42;
    const dice = (sides: number): number => (seed = (seed * 1_103_515_245 + 12_345) % 2_147_483_648) % sides;
    const model = new Map<string, number>();
    const step = (shadow: Map<string, number>): void => {
      const id = `i${dice(5)}`;
      const attempt = dice(1000);
      if (!shadow.has(id)) {
        store.instances.insert(instance({ id, attempt, handle: { ...handle, id } }));
        shadow.set(id, attempt);
      } else if (dice(4) === 0) {
        store.instances.remove(id);
        shadow.delete(id);
      } else {
        store.instances.update(id, { attempt });
        shadow.set(id, attempt);
      }
    };
    for (let round = 0; round < 400; round += 1) {
      const shadow = new Map(model);
      const undo = dice(3) === 0;
      try {
        store.transaction(() => {
          for (let count = dice(4); count >= 0; count -= 1) step(shadow);
          if (undo) throw new Error('undo');
        });
        model.clear();
        for (const [id, attempt] of shadow) model.set(id, attempt);
      } catch (error) {
        assert.ok(undo, String(error));
      }
      const seen = new Map(store.instances.of(shop).map((row) => [row.id, row.attempt]));
      assert.deepEqual(seen, new Map(Array.from(seen.keys(), (id) => [id, model.get(id)])));
      assert.equal(seen.size, model.size);
      for (const [id, attempt] of model) assert.equal(store.instances.get(id)?.attempt, attempt);
    }
  });

  test('300 services are read in less than 10 ms', () => {
    using store = opened();
    store.transaction(() => {
      for (let index = 0; index < 300; index += 1) {
        const id = `shop/production/s${index}` as typeof shop;
        store.services.insert(service({ id, host: null, privatePort: null }));
        for (const replica of [1, 2]) store.instances.insert(instance({ id: `${index}.${replica}`, service: id }));
      }
    });
    const services = store.services.all();
    const pass = (): number => {
      const began = performance.now();
      for (const row of services) assert.equal(store.instances.of(row.id).length, 2);
      return performance.now() - began;
    };
    pass();
    // The best of a few: other processes share the machine.
    assert.ok(Math.min(pass(), pass(), pass()) < 10);
  });
});
