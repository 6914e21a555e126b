import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { Gate } from '../../../src/edge/embedded/plane/gate.ts';
import { type Course, follow, type Found, poisson, queueing, randomOf, type Service } from './course.ts';

const second = 1_000;
const calm = 20 * second;
const minute = 60 * second;
/** A client that gives up after 5 s. */
const patience = 5 * second;

/** Half of what it can take, then `times` as much for a minute. `rate`: what it can take, a second. */
function overload(seed: number, { service, rate, times }: { service: Service; rate: number; times: number }): Found {
  const random = randomOf(seed);
  const arrivals = poisson(random, (now) => (now < calm ? rate / 2 : rate * times));
  return follow({ service, arrivals, until: calm + minute, from: calm, patience });
}

function goodput({ waits }: Found, rate: number, within = patience): number {
  return waits.filter((wait) => wait <= within).length / (rate * (minute / second));
}

interface Seen {
  readonly waiting: number;
  readonly door: number;
  readonly age?: number;
  /** Milliseconds since the look before. */
  readonly after?: number;
}

/** A gate that is told what its worker sees. */
class DrivenGate {
  readonly gate = new Gate();
  now = 0;

  answers(count: number, wait: number): void {
    for (let answer = 0; answer < count; answer += 1) this.gate.answered(wait);
  }

  /** The limit after it. */
  look({ waiting, door, age = waiting * 10, after = 200 }: Seen): number {
    this.now += after;
    this.gate.look(this.now, { waiting, age, door });
    return this.gate.limit;
  }
}

/** Ten requests are answered at each look, and ever more wait for ever longer, until there is a limit. */
function limitedGate(): DrivenGate {
  const driven = new DrivenGate();
  while (driven.now < calm) {
    driven.answers(10, 20);
    driven.look({ waiting: 1, door: 0 });
  }
  for (let waiting = 10; driven.gate.limit === Number.POSITIVE_INFINITY; waiting += 10) {
    assert.ok(waiting < 500, 'it is limited');
    driven.answers(10, waiting * 10);
    driven.look({ waiting, door: waiting });
  }
  return driven;
}

const queues: readonly { readonly name: string; readonly service: () => Service; readonly rate: number }[] = [
  { name: 'one thread, 5 ms', service: () => queueing(1, () => 5), rate: 200 },
  { name: 'four processes, 100 ms', service: () => queueing(4, () => 100), rate: 40 },
  { name: 'a pool of 20, 50 ms', service: () => queueing(20, () => 50), rate: 400 },
];

describe('an endpoint that is asked for more than it can answer', () => {
  for (const { name, service, rate } of queues) {
    test(`${name}: goes on answering as much as it can, in time`, () => {
      for (const times of [1.5, 2, 4]) {
        const found = overload(times, { service: service(), rate, times });
        assert.ok(goodput(found, rate) >= 0.95, `${times} times: ${goodput(found, rate)}`);
        assert.ok(goodput(found, rate, second) >= 0.85, `${times} times, within 1 s: ${goodput(found, rate, second)}`);
      }
    });
  }

  test('ten times as much: it comes back from the pile of the first seconds', () => {
    const found = overload(1, { service: queueing(1, () => 5), rate: 200, times: 10 });
    assert.ok(goodput(found, 200) >= 0.7, String(goodput(found, 200)));
  });

  test('one that is so from its first moment on is limited too, only later', () => {
    const random = randomOf(1);
    const service = queueing(1, () => 5);
    const found = follow({
      service,
      arrivals: poisson(random, () => 800),
      until: 90 * second,
      from: 30 * second,
      patience,
    });
    assert.ok(goodput(found, 200) >= 0.8, String(goodput(found, 200)));
  });

  test('when it is over nothing is refused any more, and the limit goes', () => {
    const random = randomOf(3);
    const end = calm + minute;
    const arrivals = poisson(random, (now) => (now > calm && now < end ? 800 : 100));
    const found = follow({
      service: queueing(1, () => 5),
      arrivals,
      until: end + minute,
      from: end + second,
      patience,
    });
    assert.equal(found.refused, 0);
    assert.equal(found.changes.at(-1)?.limit, Number.POSITIVE_INFINITY);
    assert.ok(found.waits.every((wait) => wait < second));
  });

  describe('with other workers at the same endpoint', () => {
    test('it goes on answering as much as it can, in time, and nobody lifts a limit', () => {
      for (const seed of [1, 2, 120]) {
        const random = randomOf(seed);
        // The line is in the program, where nobody sees it from outside.
        const found = follow({
          service: queueing(10, () => 50),
          arrivals: poisson(random, (now) => (now < calm ? 100 : 800)),
          workers: { count: 2, pick: random },
          until: calm + minute,
          from: calm,
          patience,
        });
        assert.ok(goodput(found, 200) >= 0.9, `seed ${seed}: ${goodput(found, 200)}`);
        assert.ok(goodput(found, 200, second) >= 0.8, `seed ${seed}, within 1 s: ${goodput(found, 200, second)}`);
        const lifted = found.changes.filter(({ limit }) => limit === Number.POSITIVE_INFINITY);
        assert.deepEqual(lifted, [], `seed ${seed}`);
      }
    });

    test('a line before the door that they filled keeps the limit', () => {
      const driven = limitedGate();
      assert.ok(driven.gate.isOverloaded(driven.now));
      // Nothing is sent from here for a minute, because the endpoint is passed over.
      for (let looks = 0; looks < 300; looks += 1) driven.look({ waiting: 0, door: 300 });
      assert.notEqual(driven.gate.limit, Number.POSITIVE_INFINITY);
      assert.equal(
        driven.gate.isOverloaded(driven.now),
        false,
        'nobody was answered: a dead program may have such a line',
      );
      for (let looks = 0; looks < 15; looks += 1) driven.look({ waiting: 0, door: 0 });
      assert.equal(driven.gate.limit, Number.POSITIVE_INFINITY);
    });

    for (const { door, lifted } of [
      { door: 20, lifted: false },
      { door: 0, lifted: true },
    ])
      test(`fewer answers, as late as before, ${lifted ? 'lift the limit' : 'do not where they have a line before the door'}`, () => {
        const driven = limitedGate();
        const limits = new Set<number>();
        for (let looks = 0; looks < 40; looks += 1) {
          driven.gate.refuse();
          driven.answers(5, 1_500);
          limits.add(driven.look({ waiting: Math.min(driven.gate.limit, 8), age: 300, door, after: 1_000 }));
        }
        assert.equal(limits.has(Number.POSITIVE_INFINITY), lifted);
      });
  });

  test('a program that waits for something slow is limited wrongly once at most, and a little', () => {
    // What it depends on slows down from 10 ms to 2 s within 20 s, for all that is asked: it looks like a queue.
    const random = randomOf(2);
    const service: Service = (now) => (now < minute ? 10 : Math.min(2_000, 10 + (now - minute) / 10));
    const found = follow({ service, arrivals: poisson(random, () => 100), until: 4 * minute });
    assert.ok(found.refused < found.asked / 50, `${found.refused} of ${found.asked}`);
    assert.ok(found.changes.length <= 2);
  });
});

/** Services that are well, each with the requests of a second. */
const healthy: readonly ((random: () => number) => Pick<Course, 'service' | 'arrivals'> & { readonly name: string })[] =
  [
    (random) => ({
      name: 'long-poll: 500 clients, 30 s each',
      service: () => 30 * second,
      arrivals: poisson(random, (now) => (now < second ? 500 : 16.7)),
    }),
    (random) => ({
      name: 'answers when something happens',
      service: () => Math.min(30 * second, -Math.log(1 - random()) * 10 * second),
      arrivals: poisson(random, (now) => (now < second ? 500 : 50)),
    }),
    (random) => ({
      name: 'all are answered at once, every 5 s',
      service: (now) => 5 * second - (now % (5 * second)),
      arrivals: poisson(random, () => 100),
    }),
    (random) => ({
      name: 'nine of ten in 5 ms, one in 2 s',
      service: () => (random() < 0.9 ? 5 : 2 * second),
      arrivals: poisson(random, (now) => 50 + 40 * Math.sin(now / 5_000)),
    }),
    (random) => ({
      name: 'one of ten in 5 ms, nine in 1 s',
      service: () => (random() < 0.1 ? 5 : second),
      arrivals: poisson(random, (now) => 20 + 15 * Math.sin(now / 5_000)),
    }),
    (random) => ({
      name: '1 to 3 s, then four times as many',
      service: () => second + random() * 2 * second,
      arrivals: poisson(random, (now) => (now < minute ? 20 : 80)),
    }),
    (random) => ({
      name: 'slow for its first seconds',
      service: queueing(1, (now) => (now < 4 * second ? 100 : 2)),
      arrivals: poisson(random, () => 40),
    }),
    (random) => ({
      name: 'stands still for a second now and then',
      service: (now) => 5 + (now % (15 * second) < second ? second - (now % second) : 0),
      arrivals: poisson(random, () => 100),
    }),
    (random) => ({
      name: 'quick, and from one moment on slow',
      service: (now) => (now < minute ? 5 : second),
      arrivals: poisson(random, () => 30),
    }),
  ];

describe('a service that is well is refused nothing', () => {
  for (const make of healthy) {
    test(make(randomOf(0)).name, () => {
      for (let seed = 1; seed <= 4; seed += 1) {
        const { service, arrivals } = make(randomOf(seed));
        assert.equal(follow({ service, arrivals, until: 3 * minute }).refused, 0, `seed ${seed}`);
      }
    });
  }

  test('whatever it asks for and however long it takes, as long as it takes at most half a second', () => {
    const rates = fc.array(fc.integer({ min: 1, max: 300 }), { minLength: 1, maxLength: 6 });
    const waits = fc.array(fc.integer({ min: 1, max: 480 }), { minLength: 1, maxLength: 6 });
    fc.assert(
      fc.property(rates, waits, fc.integer(), (rate, wait, seed) => {
        const random = randomOf(seed);
        const at = (values: readonly number[], now: number): number =>
          values[Math.floor(now / (7 * second)) % values.length] ?? 1;
        const found = follow({
          service: (now) => at(wait, now) * (0.5 + random() / 2),
          arrivals: poisson(random, (now) => at(rate, now)),
          until: minute,
        });
        assert.equal(found.refused, 0);
      }),
      { numRuns: 40 },
    );
  });
});
