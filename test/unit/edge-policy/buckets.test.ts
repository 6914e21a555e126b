import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { Buckets, rateOf } from '../../../src/edge/embedded/policy/buckets.ts';
import { clientKey } from '../../../src/edge/embedded/policy/client-key.ts';
import { Occupancy } from '../../../src/edge/embedded/policy/occupancy.ts';
import { Quotas } from '../../../src/edge/embedded/policy/quotas.ts';

const limit = fc.record({
  requestsPerSecond: fc.double({ min: 0.01, max: 5000, noNaN: true }),
  burst: fc.integer({ min: 1, max: 200 }),
});
/** Milliseconds between requests; many come at once. */
const gaps = fc.array(fc.oneof(fc.constant(0), fc.double({ min: 0, max: 3000, noNaN: true })), {
  minLength: 1,
  maxLength: 300,
});

describe('a bucket', () => {
  test('lets through no more than burst and rate in any time', () => {
    fc.assert(
      fc.property(limit, gaps, (declared, times) => {
        const buckets = new Buckets();
        const rate = rateOf('r', declared);
        const passed: number[] = [];
        let now = 1_000_000;
        for (const gap of times) {
          now += gap;
          if (buckets.wait(rate, 'c', now) > 0) continue;
          buckets.take(rate, 'c', now);
          passed.push(now);
        }
        for (let from = 0; from < passed.length; from += 1) {
          const span = (passed.at(-1) ?? 0) - (passed[from] ?? 0);
          const most = declared.burst + (span / 1000) * declared.requestsPerSecond;
          assert.ok(passed.length - from <= most + 1e-3, `${passed.length - from} in ${span} ms, at most ${most}`);
        }
      }),
    );
  });

  test('what has to wait may come after its wait, and not before', () => {
    fc.assert(
      fc.property(limit, (declared) => {
        const buckets = new Buckets();
        const rate = rateOf('r', declared);
        for (let turn = 0; turn < declared.burst; turn += 1) {
          assert.equal(buckets.wait(rate, 'c', 5000), 0, `request ${turn + 1} of ${declared.burst}`);
          buckets.take(rate, 'c', 5000);
        }
        const wait = buckets.wait(rate, 'c', 5000);
        assert.ok(wait > 0);
        assert.equal(buckets.wait(rate, 'c', 5000 + wait), 0);
        assert.ok(buckets.wait(rate, 'c', 5000 + wait / 2) > 0);
      }),
    );
  });

  test('clients and rates do not share', () => {
    const buckets = new Buckets();
    const one = rateOf('one', { requestsPerSecond: 1, burst: 1 });
    const other = rateOf('other', { requestsPerSecond: 1, burst: 1 });
    buckets.take(one, 'a', 0);
    assert.ok(buckets.wait(one, 'a', 0) > 0);
    assert.equal(buckets.wait(one, 'b', 0), 0);
    assert.equal(buckets.wait(other, 'a', 0), 0);
  });

  test('what another worker let through counts here', () => {
    const here = new Buckets();
    const there = new Buckets();
    const rate = rateOf('r', { requestsPerSecond: 10, burst: 5 });
    for (let turn = 0; turn < 5; turn += 1) there.take(rate, 'c', 1000);
    here.learn(there.taken(), 1000);
    // It may have been a quarter of a second ago, which is worth two and a half requests.
    let passed = 0;
    while (here.wait(rate, 'c', 1000) === 0) {
      here.take(rate, 'c', 1000);
      passed += 1;
    }
    assert.equal(passed, 2);
    assert.deepEqual(there.taken(), []);
  });

  test('two workers together hold the rate, beside what one does not know yet of the other', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 100 }), fc.integer({ min: 1, max: 20 }), (requestsPerSecond, burst) => {
        const workers = [new Buckets(), new Buckets()] as const;
        const rate = rateOf('r', { requestsPerSecond, burst });
        let passed = 0;
        const seconds = 20;
        for (let now = 0; now < seconds * 1000; now += 1) {
          for (const worker of workers) {
            while (worker.wait(rate, 'c', now) === 0) {
              worker.take(rate, 'c', now);
              passed += 1;
            }
          }
          if (now % 250 !== 0) continue;
          const [first, second] = [workers[0].taken(), workers[1].taken()];
          workers[0].learn(second, now);
          workers[1].learn(first, now);
        }
        const most = requestsPerSecond * seconds + 2 * burst + 2 * (1 + requestsPerSecond * 0.5);
        assert.ok(passed <= most, `${passed} of at most ${most}`);
        assert.ok(passed >= requestsPerSecond * seconds * 0.8, `${passed} of ${requestsPerSecond * seconds}`);
      }),
      { numRuns: 30 },
    );
  });

  test('the memory is bounded: the oldest is forgotten, and full ones are', () => {
    const buckets = new Buckets(1000);
    const rate = rateOf('r', { requestsPerSecond: 1, burst: 1 });
    for (let client = 0; client < 5000; client += 1) buckets.take(rate, `c${client}`, client);
    assert.equal(buckets.size, 1000);
    assert.ok(buckets.wait(rate, 'c4999', 5000) > 0);
    assert.equal(buckets.wait(rate, 'c0', 5000), 0);
    buckets.forgetFull(10_000);
    assert.equal(buckets.size, 0);
  });

  test('what is told in one round is bounded', () => {
    const buckets = new Buckets();
    const rate = rateOf('r', { requestsPerSecond: 1, burst: 1 });
    for (let client = 0; client < 30_000; client += 1) buckets.take(rate, `c${client}`, 0);
    assert.equal(buckets.taken().length, 10_000);
  });
});

describe('places of clients', () => {
  test('are taken and given back', () => {
    const occupancy = new Occupancy();
    assert.ok(occupancy.enter('a', 2));
    assert.ok(occupancy.enter('a', 2));
    assert.ok(!occupancy.enter('a', 2));
    assert.ok(occupancy.enter('b', 2));
    occupancy.leave('a');
    assert.ok(occupancy.enter('a', 2));
    for (const key of ['a', 'a', 'b']) occupancy.leave(key);
    assert.deepEqual(occupancy.counts(), []);
  });

  test('what other workers hold counts until they say otherwise, or nothing any more', () => {
    const occupancy = new Occupancy();
    occupancy.learn(7, [['a', 2]], 0);
    occupancy.learn(8, [['a', 1]], 0);
    assert.ok(!occupancy.enter('a', 3));
    occupancy.learn(7, [['a', 1]], 100);
    assert.ok(occupancy.enter('a', 3));
    assert.ok(!occupancy.enter('a', 3));
    occupancy.learn(8, [], 200);
    assert.ok(occupancy.enter('a', 3));
    occupancy.forgetSilent(1101);
    assert.ok(occupancy.enter('a', 3));
  });
});

test('a worker tells what happened, once more that nothing is held, and then nothing', () => {
  const quotas = new Quotas();
  const rate = rateOf('r', { requestsPerSecond: 1, burst: 2 });
  assert.equal(quotas.report(1, 0), null);
  quotas.buckets.take(rate, 'c', 0);
  quotas.occupancy.enter('k', 1);
  assert.deepEqual(quotas.report(1, 250), { worker: 1, taken: [['r\0c', 1000]], held: [['k', 1]] });
  assert.deepEqual(quotas.report(1, 500), { worker: 1, taken: [], held: [['k', 1]] });
  quotas.occupancy.leave('k');
  assert.deepEqual(quotas.report(1, 750), { worker: 1, taken: [], held: [] });
  assert.equal(quotas.report(1, 1000), null);
});

test('keys of clients are told apart, and short', () => {
  assert.notEqual(clientKey('10.0.0.1', 'x'), clientKey(null, '10.0.0.1'));
  assert.notEqual(clientKey('a'.repeat(5000), 'x'), clientKey(`${'a'.repeat(4999)}b`, 'x'));
  assert.ok(clientKey('a'.repeat(5000), 'x').length < 70);
});
