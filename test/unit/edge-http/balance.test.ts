import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { hashOf, pick } from '../../../src/edge/embedded/plane/balance.ts';
import { Health } from '../../../src/edge/embedded/plane/health.ts';
import type { Balance } from '../../../src/edge/pool.ts';

interface Part {
  readonly name: string;
  readonly weight: number;
  readonly hash: number;
  current: number;
  rank: number;
  readonly endpoint: { inFlight: number };
}

const parts = (weights: Record<string, number>): Part[] =>
  Object.entries(weights).map(([name, weight]) => ({
    name,
    weight,
    hash: hashOf(name),
    current: 0,
    rank: 0,
    endpoint: { inFlight: 0 },
  }));

const choose = (
  balance: Balance,
  candidates: Part[],
  { client = 0, without = [] as string[], random = Math.random } = {},
): string | null => {
  for (const part of candidates) part.rank = without.includes(part.name) ? 4 : 0;
  return pick(balance, { candidates, rank: 0, client, random })?.name ?? null;
};

/** Numbers that look random and are the same in each run. */
const numbers = (seed: number): (() => number) => {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) | 0;
    return (state >>> 0) / 4294967296;
  };
};

describe('round robin', () => {
  test('by turns', () => {
    const candidates = parts({ a: 1, b: 1, c: 1 });
    assert.equal(Array.from({ length: 6 }, () => choose('round-robin', candidates)).join(''), 'abcabc');
  });

  test('smooth by weight: the heavy one does not come in a row', () => {
    const candidates = parts({ a: 5, b: 1, c: 1 });
    assert.equal(Array.from({ length: 7 }, () => choose('round-robin', candidates)).join(''), 'aabacaa');
  });

  test('those that are out do not gather turns', () => {
    const candidates = parts({ a: 1, b: 1 });
    for (let i = 0; i < 10; i += 1) assert.equal(choose('round-robin', candidates, { without: ['b'] }), 'a');
    assert.equal(
      Array.from({ length: 4 }, () => choose('round-robin', candidates))
        .toSorted((a, b) => String(a).localeCompare(String(b)))
        .join(''),
      'aabb',
    );
    assert.equal(choose('round-robin', candidates, { without: ['a', 'b'] }), null);
    assert.equal(choose('round-robin', []), null);
  });
});

describe('least connections', () => {
  test('fewest under way for its weight', () => {
    const candidates = parts({ a: 1, b: 1, c: 4 });
    for (const [i, count] of [2, 1, 3].entries()) (candidates[i] as Part).endpoint.inFlight = count;
    assert.equal(choose('least-connections', candidates), 'c');
    assert.equal(choose('least-connections', candidates, { without: ['c'] }), 'b');
  });

  test('by turns among equals', () => {
    const candidates = parts({ a: 1, b: 1 });
    assert.equal(Array.from({ length: 4 }, () => choose('least-connections', candidates)).join(''), 'abab');
  });
});

describe('ip hash', () => {
  const clients = Array.from({ length: 3000 }, (_, i) => hashOf(`10.${i >> 8}.${i & 255}.1`));

  test('a client stays where it is, and an endpoint that goes moves only its own clients', () => {
    const all = parts({ a: 1, b: 1, c: 1 });
    for (const client of clients) {
      const before = choose('ip-hash', all, { client });
      assert.equal(choose('ip-hash', all, { client }), before);
      const after = choose('ip-hash', all, { client, without: ['c'] });
      if (before !== 'c') assert.equal(after, before);
      else assert.notEqual(after, 'c');
    }
  });

  test('shares follow the weights', () => {
    const candidates = parts({ a: 1, b: 2, c: 3 });
    const counts = { a: 0, b: 0, c: 0 };
    for (const client of clients) counts[choose('ip-hash', candidates, { client }) as 'a' | 'b' | 'c'] += 1;
    for (const [name, share] of [
      ['a', 500],
      ['b', 1000],
      ['c', 1500],
    ] as const) {
      assert.ok(Math.abs(counts[name] - share) < 150, `${name}: ${counts[name]}, not about ${share}`);
    }
  });
});

describe('random two', () => {
  const shares = (candidates: Part[], picks: number): number[] => {
    const random = numbers(5);
    const counts = new Map(candidates.map(({ name }) => [name, 0]));
    for (let i = 0; i < picks; i += 1) {
      const name = choose('random-two', candidates, { random }) ?? '';
      counts.set(name, (counts.get(name) ?? 0) + 1);
    }
    return [...counts.values()].map((count) => count / picks);
  };

  test('of two that were drawn, the one with fewer under way for its weight', () => {
    const candidates = parts({ a: 1, b: 1 });
    for (const [i, count] of [3, 2].entries()) (candidates[i] as Part).endpoint.inFlight = count;
    for (let i = 0; i < 20; i += 1) assert.equal(choose('random-two', candidates), 'b');
    assert.equal(choose('random-two', candidates, { without: ['b'] }), 'a');
    assert.equal(choose('random-two', candidates, { without: ['a', 'b'] }), null);
  });

  test('the busiest of several is never taken, and the others share', () => {
    const candidates = parts({ a: 1, b: 1, c: 1, d: 1 });
    (candidates[0] as Part).endpoint.inFlight = 9;
    const [a, ...others] = shares(candidates, 3000);
    assert.equal(a, 0);
    for (const share of others) assert.ok(Math.abs(share - 1 / 3) < 0.05, `${share}`);
  });

  test('where nothing is under way, shares follow the weights', () => {
    const [a = 0, b = 0, c = 0] = shares(parts({ a: 1, b: 2, c: 3 }), 6000);
    assert.ok(Math.abs(a - 1 / 6) < 0.03 && Math.abs(b - 2 / 6) < 0.03 && Math.abs(c - 3 / 6) < 0.03, `${a} ${b} ${c}`);
  });

  test('any draw is one of the candidates, whatever the weights', () => {
    fc.assert(
      fc.property(
        fc.array(fc.record({ weight: fc.double({ min: 0.001, max: 1000, noNaN: true }), busy: fc.nat(20) }), {
          minLength: 1,
          maxLength: 8,
        }),
        fc.array(fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }), { minLength: 2, maxLength: 2 }),
        (members, draws) => {
          const candidates = members.map(({ weight, busy }, i) => ({
            name: `${i}`,
            weight,
            hash: i,
            current: 0,
            rank: 0,
            endpoint: { inFlight: busy },
          }));
          const queue = [...draws];
          const chosen = pick('random-two', { candidates, rank: 0, client: 0, random: () => queue.shift() ?? 0 });
          assert.ok(chosen !== null && candidates.includes(chosen));
        },
      ),
    );
  });
});

describe('health', () => {
  const fail = (health: Health, now: number): boolean => {
    health.chosen();
    return health.failed(now, false);
  };

  test('three failures in a row eject; a success in between starts anew', () => {
    const health = new Health();
    assert.deepEqual([fail(health, 0), fail(health, 0)], [false, false]);
    health.succeeded();
    assert.deepEqual([fail(health, 0), fail(health, 0), fail(health, 0)], [false, false, true]);
    assert.equal(health.usable(999), false);
    assert.equal(health.usable(1000), true);
  });

  test('a refused connection ejects at once', () => {
    const health = new Health();
    assert.equal(health.failed(0, true), true);
    assert.equal(health.usable(500), false);
  });

  test('one trial at a time; each failed one doubles the time, up to 30 s; a success ends it', () => {
    const health = new Health();
    let now = 0;
    health.failed(now, true);
    for (const seconds of [1, 2, 4, 8, 16, 30, 30]) {
      assert.equal(health.usable(now + seconds * 1000 - 1), false);
      now += seconds * 1000;
      assert.equal(health.usable(now), true);
      health.chosen();
      assert.equal(health.usable(now), false, 'one trial at a time');
      assert.equal(health.failed(now, false), true);
    }
    now += 30_000;
    health.chosen();
    health.succeeded();
    assert.equal(health.usable(now), true);
    assert.equal(health.failed(now, true), true);
    assert.equal(health.usable(now + 1000), true, 'from one second again');
  });

  test('a trial whose client left decides nothing', () => {
    const health = new Health();
    health.failed(0, true);
    health.chosen();
    health.undecided();
    assert.equal(health.usable(1000), true);
  });

  test('failures of requests that began before the ejection do not lengthen it', () => {
    const health = new Health();
    health.failed(0, true);
    for (let i = 0; i < 10; i += 1) assert.equal(health.failed(10, true), false);
    assert.equal(health.usable(1000), true);
  });
});
