import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { RetryBudget } from '../../../src/edge/embedded/plane/retry-budget.ts';

const takeAll = (budget: RetryBudget, now: number): number => {
  let taken = 0;
  while (taken < 10_000 && budget.take(now)) taken += 1;
  return taken;
};

describe('retry budget', () => {
  test('ten are free, a fifth beyond', () => {
    const budget = new RetryBudget();
    assert.equal(takeAll(budget, 5), 10);
    for (let i = 0; i < 100; i += 1) budget.arrived(6);
    assert.equal(takeAll(budget, 7), 10, 'a fifth of a hundred, of which ten are used');
  });

  test('after ten seconds it is whole again, and what came before does not count', () => {
    const budget = new RetryBudget();
    for (let i = 0; i < 1000; i += 1) budget.arrived(0);
    assert.equal(takeAll(budget, 500), 200);
    assert.equal(takeAll(budget, 5_000), 0);
    assert.equal(takeAll(budget, 11_000), 10);
    assert.equal(takeAll(budget, 1e9), 10);
  });

  test('in no ten seconds more than a fifth, or ten', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.nat(1500), fc.boolean()), { maxLength: 400 }), (steps) => {
        const budget = new RetryBudget();
        const requests: number[] = [];
        const repeats: number[] = [];
        let now = 0;
        for (const [pause, repeat] of steps) {
          now += pause;
          requests.push(now);
          budget.arrived(now);
          if (!repeat || !budget.take(now)) continue;
          repeats.push(now);
          // The window is ten buckets of a second: what is in it came in the last ten seconds.
          const recent = (times: readonly number[], age: number): number =>
            times.filter((time) => now - time < age).length;
          assert.ok(recent(repeats, 9_000) <= Math.max(10, 0.2 * recent(requests, 10_000) + 1));
        }
      }),
    );
  });
});
