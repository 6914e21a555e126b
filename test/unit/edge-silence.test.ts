import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { describe, test } from 'node:test';
import { Silence } from '../../src/edge/silence.ts';
import { processorWait } from '../../src/lib/processor.ts';
import { until } from '../patience.ts';

/** Steps of 100 ms until it is hung, of which it waited `share` for a processor. */
function stepsUntilHung(share: number): number {
  let waited = 5_000;
  const silence = new Silence(1, () => waited);
  for (let steps = 1; ; steps += 1) {
    waited += 100 * share;
    if (silence.hears(100)) return steps;
  }
}

describe('a worker that does not answer', () => {
  test('is hung after two seconds in which it ran, slept or was stopped', () => {
    assert.equal(stepsUntilHung(0), 20);
    assert.equal(stepsUntilHung(0.5), 40, 'what it waited for a processor does not count');
  });

  test('is hung after fifteen seconds in any case, however busy the machine', () => {
    assert.equal(stepsUntilHung(1), 150);
    assert.equal(stepsUntilHung(1.4), 150, 'a kernel that adds up several threads is not believed');
  });

  test('has not been silent while the one who asks did not listen', () => {
    const silence = new Silence(1, () => 0);
    assert.equal(silence.hears(1_900), false);
    assert.equal(silence.hears(0), false);
    assert.equal(silence.hears(100), true);
  });
});

test('the kernel counts how long a process waits for a processor that others have', {
  skip: process.platform !== 'linux',
}, async () => {
  const busy = [0, 1].map(() => spawn('taskset', ['-c', '0', 'sh', '-c', 'while :; do :; done'], { stdio: 'ignore' }));
  try {
    await Promise.all(busy.map((child) => once(child, 'spawn')));
    await until('each has waited for the other', () => busy.every(({ pid = 0 }) => processorWait(pid) > 50));
  } finally {
    for (const child of busy) child.kill('SIGKILL');
  }
  assert.equal(processorWait(2 ** 30), 0, 'one that is not there');
});
