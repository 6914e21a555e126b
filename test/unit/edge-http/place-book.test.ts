import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { PlaceBook, type PlaceHolder } from '../../../src/edge/embedded/plane/place-book.ts';

/** A worker that remembers what it was told, in words. */
class Worker implements PlaceHolder {
  readonly told: string[] = [];
  readonly held: string[] = [];

  granted(id: number, endpoint: string): void {
    this.held.push(endpoint);
    this.told.push(`${id} at ${endpoint}`);
  }

  refused(id: number): void {
    this.told.push(`${id} refused`);
  }

  queued(id: number): void {
    this.told.push(`${id} waits`);
  }

  take(): string[] {
    return this.told.splice(0);
  }
}

const asked = (id: number, order: string, { limit = 1, queue = 10, pool = 'p' } = {}) => ({
  id,
  pool,
  limit,
  queue,
  order: order.split(' '),
});

const bookOf = (...workers: Worker[]): PlaceBook => {
  const book = new PlaceBook(true);
  for (const worker of workers) book.join(worker, new Map());
  return book;
};

describe('places', () => {
  test('the first of the order with room; who waits is served in turn, whichever worker it is of', () => {
    const [one, two] = [new Worker(), new Worker()];
    const book = bookOf(one, two);
    book.ask(one, asked(1, 'a b'));
    book.ask(two, asked(1, 'a b'));
    book.ask(two, asked(2, 'a b'));
    book.ask(one, asked(2, 'a b'));
    assert.deepEqual(
      [one.take(), two.take()],
      [
        ['1 at a', '2 waits'],
        ['1 at b', '2 waits'],
      ],
    );
    book.change(two, 'b', -1);
    assert.deepEqual([one.take(), two.take()], [[], ['2 at b']]);
    book.change(one, 'a', -1);
    assert.deepEqual([one.take(), two.take()], [['2 at a'], []]);
  });

  test('beyond the size of the queue it is refused, counted over all workers and for each pool apart', () => {
    const [one, two] = [new Worker(), new Worker()];
    const book = bookOf(one, two);
    for (const [worker, id] of [
      [one, 1],
      [two, 1],
      [one, 2],
      [two, 2],
    ] as const) {
      book.ask(worker, asked(id, 'a', { queue: 2 }));
    }
    book.ask(one, asked(3, 'c', { queue: 0, pool: 'q' }));
    book.ask(one, asked(4, 'c', { queue: 0, pool: 'q' }));
    assert.deepEqual(one.take(), ['1 at a', '2 waits', '3 at c', '4 refused']);
    assert.deepEqual(two.take(), ['1 waits', '2 refused']);
  });

  test('one that is withdrawn is passed over, and one that asks again keeps its turn', () => {
    const worker = new Worker();
    const book = bookOf(worker);
    for (const id of [1, 2, 3, 4]) book.ask(worker, asked(id, 'a'));
    book.ask(worker, asked(3, 'a b'));
    assert.deepEqual(worker.take(), ['1 at a', '2 waits', '3 waits', '4 waits', '3 at b']);
    book.withdraw(worker, 2);
    book.ask(worker, asked(4, 'c'));
    book.change(worker, 'a', -1);
    assert.deepEqual(worker.take(), ['4 at c']);
  });

  test('what a worker held and waited for goes with it', () => {
    const [one, two] = [new Worker(), new Worker()];
    const book = bookOf(one, two);
    book.ask(one, asked(1, 'a'));
    book.ask(one, asked(2, 'a'));
    book.ask(two, asked(1, 'a'));
    book.leave(one);
    assert.deepEqual(two.take(), ['1 waits', '1 at a']);
    book.change(one, 'a', -1);
    book.ask(two, asked(2, 'a'));
    assert.deepEqual(two.take(), ['2 waits'], 'one that has left gives nothing back');
  });

  test('a new book waits until it is opened, and then knows what is held', () => {
    const [one, two] = [new Worker(), new Worker()];
    const book = new PlaceBook(false);
    book.join(one, new Map());
    for (const id of [1, 2, 3]) book.ask(one, asked(id, 'a', { limit: 2, queue: 1 }));
    book.join(two, new Map([['a', 1]]));
    assert.deepEqual(one.take(), ['1 waits', '2 waits', '3 waits']);
    book.open();
    assert.deepEqual(one.take(), ['1 at a', '3 refused']);
    book.change(two, 'a', -1);
    assert.deepEqual(one.take(), ['2 at a']);
  });

  test('more than its limit, where it was taken without asking: nobody is let in until it is below', () => {
    const worker = new Worker();
    const book = bookOf(worker);
    book.change(worker, 'a', 3);
    book.ask(worker, asked(1, 'a', { limit: 2 }));
    book.change(worker, 'a', -1);
    assert.deepEqual(worker.take(), ['1 waits']);
    book.change(worker, 'a', -1);
    assert.deepEqual(worker.take(), ['1 at a']);
  });

  test('whatever happens, no limit and no queue is overrun, and nobody waits for a place that is free', () => {
    const step = fc.record({
      kind: fc.constantFrom('ask', 'free', 'withdraw', 'leave'),
      worker: fc.nat(2),
      order: fc.shuffledSubarray(['a', 'b', 'c'], { minLength: 1 }),
      which: fc.nat(),
    });
    fc.assert(
      fc.property(
        fc.array(step, { maxLength: 120 }),
        fc.integer({ min: 1, max: 3 }),
        fc.nat(3),
        (steps, limit, queue) => {
          const book = new PlaceBook(true);
          const held = new Map<string, Worker[]>([
            ['a', []],
            ['b', []],
            ['c', []],
          ]);
          const waiting = new Map<string, { worker: Worker; id: number; order: readonly string[] }>();
          class Counting extends Worker {
            override granted(id: number, endpoint: string): void {
              held.get(endpoint)?.push(this);
              waiting.delete(`${workers.indexOf(this)} ${id}`);
            }
            override refused(id: number): void {
              waiting.delete(`${workers.indexOf(this)} ${id}`);
            }
          }
          const workers: Worker[] = [new Counting(), new Counting(), new Counting()];
          for (const worker of workers) book.join(worker, new Map());
          for (const [id, { kind, worker: index, order, which }] of steps.entries()) {
            const worker = workers[index] as Worker;
            if (kind === 'ask') {
              waiting.set(`${index} ${id}`, { worker, id, order });
              book.ask(worker, { id, pool: 'p', limit, queue, order });
            } else if (kind === 'free') {
              const [endpoint, holders] = [...held][which % 3] as [string, Worker[]];
              const holder = holders.shift();
              if (holder !== undefined) book.change(holder, endpoint, -1);
            } else if (kind === 'withdraw') {
              const [key, waiter] = [...waiting][which % Math.max(1, waiting.size)] ?? [];
              if (key === undefined || waiter === undefined) continue;
              waiting.delete(key);
              book.withdraw(waiter.worker, waiter.id);
            } else {
              for (const [endpoint, holders] of held)
                held.set(
                  endpoint,
                  holders.filter((holder) => holder !== worker),
                );
              for (const [key, waiter] of waiting) if (waiter.worker === worker) waiting.delete(key);
              book.leave(worker);
              book.join(worker, new Map());
            }
            for (const holders of held.values()) assert.ok(holders.length <= limit);
            assert.ok(waiting.size <= queue);
            for (const waiter of waiting.values()) {
              assert.ok(waiter.order.every((endpoint) => held.get(endpoint)?.length === limit));
            }
          }
        },
      ),
    );
  });
});
