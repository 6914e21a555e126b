import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { createSimulatedEdge, type SimulatedEdge } from '../../../src/edge/simulated/driver.ts';
import type { Clock } from '../../../src/lib/clock.ts';
import { EdgeSync } from '../../../src/reconcile/edge-sync.ts';

/** A clock that goes by hand. */
class Hand implements Clock {
  #now = 1_000_000;
  #waiting: { readonly at: number; readonly wake: () => void }[] = [];

  now = () => this.#now;
  steady = () => this.#now;
  monotonic = () => this.#now;

  after(milliseconds: number, wake: () => void): Disposable {
    const timer = { at: this.#now + milliseconds, wake };
    this.#waiting.push(timer);
    return { [Symbol.dispose]: () => void (this.#waiting = this.#waiting.filter((other) => other !== timer)) };
  }

  /** What is due wakes in its order, and all that follows at once has happened. */
  async pass(milliseconds: number): Promise<void> {
    const end = this.#now + milliseconds;
    for (;;) {
      const next = this.#waiting.filter(({ at }) => at <= end).toSorted((one, other) => one.at - other.at)[0];
      if (next === undefined) break;
      this.#now = next.at;
      this.#waiting = this.#waiting.filter((timer) => timer !== next);
      next.wake();
      await new Promise((resolve) => setImmediate(resolve));
    }
    this.#now = end;
  }
}

async function watched(): Promise<
  { clock: Hand; edge: SimulatedEdge; failures: unknown[]; ensured: () => number } & Disposable
> {
  const clock = new Hand();
  const failures: unknown[] = [];
  const edge = createSimulatedEdge({ clock });
  let ensured = 0;
  const ensure = edge.ensure.bind(edge);
  edge.ensure = () => {
    ensured += 1;
    return ensure();
  };
  const unasked = () => Promise.reject(new Error('nothing is to be asked'));
  const sync = new EdgeSync({
    edge,
    clock,
    changed: () => undefined,
    noticed: () => undefined,
    overloaded: () => undefined,
    failed: (error) => failures.push(error),
    prober: { alive: unasked, upstream: unasked },
  });
  await sync.begin();
  return { clock, edge, failures, ensured: () => ensured, [Symbol.dispose]: () => sync.close() };
}

describe("the edge's life, as the daemon watches it", () => {
  test('a dead edge is brought back within a quarter of a second', async () => {
    using one = await watched();
    await one.clock.pass(5_100);
    one.edge.crash();
    assert.equal(one.edge.isAlive(), false);
    await one.clock.pass(250);
    assert.equal(one.edge.isAlive(), true);
    assert.deepEqual(one.failures, []);
  });

  test('one that is alive is looked after every two seconds, no more often', async () => {
    using one = await watched();
    await one.clock.pass(60_000);
    assert.equal(one.ensured(), 1 + 30);
  });

  test('one that cannot be brought back is tried less and less often, and comes back when it can', async () => {
    using one = await watched();
    one.edge.setFailure('no');
    one.edge.crash();
    await one.clock.pass(1_000);
    // After 250 ms, and 500 ms after that.
    assert.equal(one.failures.length, 2);
    await one.clock.pass(59_000);
    assert.ok(one.failures.length <= 33, String(one.failures.length));
    one.edge.setFailure(null);
    await one.clock.pass(2_000);
    assert.equal(one.edge.isAlive(), true);
  });
});
