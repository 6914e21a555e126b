import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { closeInOrder } from '../../../src/daemon/closing.ts';

describe('closing in order', () => {
  test('one after the other; what fails or hangs is named and left', async () => {
    const done: string[] = [];
    const said: unknown[] = [];
    const wakes = new Set<() => void>();
    const clock = {
      after(_milliseconds: number, wake: () => void): Disposable {
        wakes.add(wake);
        return { [Symbol.dispose]: () => void wakes.delete(wake) };
      },
    };
    const log = {
      warn: (facts: object) => void said.push('step' in facts ? facts.step : null),
      info: (_facts: object, message: string) => void said.push(message),
    };
    const closed = closeInOrder(
      [
        { name: 'api', close: () => void done.push('api') },
        { name: 'engine', close: () => Promise.reject(new Error('no')) },
        { name: 'logs', close: () => new Promise(() => undefined) },
        { name: 'record', close: () => Promise.resolve(done.push('record')) },
      ],
      { clock, log },
    );
    // Until it waits for the one that hangs; the timers of those before are gone.
    while (said.length === 0 || wakes.size === 0) await new Promise((resolve) => setImmediate(resolve));
    assert.deepEqual([done, said, wakes.size], [['api'], ['engine'], 1]);
    for (const wake of wakes) wake();
    await closed;
    assert.deepEqual(done, ['api', 'record']);
    assert.deepEqual(said, ['engine', 'logs', 'closed']);
    assert.equal(wakes.size, 0);
  });
});
