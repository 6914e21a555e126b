import assert from 'node:assert/strict';
import { test } from 'node:test';
import { steadyTime, wallTime } from '../../../src/lib/clock.ts';

const at = (now: number, steady: number) => ({ now: () => now, steady: () => steady });

test('a moment of the record reads the same with each look, though the two clocks are not read at once', () => {
  for (const late of [-1, 0, 1, 40]) {
    assert.equal(wallTime(at(5_000_000 + late, 5_000_000), 4_000_123), 4_000_123);
    assert.equal(steadyTime(at(5_000_000 + late, 5_000_000), 4_000_123), 4_000_123);
  }
});

test('a clock that was set by a day moves what people read, and not what is compared', () => {
  const day = 86_400_000;
  const clock = at(5_000_000 + day, 5_000_000);
  assert.equal(wallTime(clock, 4_000_123), 4_000_123 + day);
  assert.equal(steadyTime(clock, 4_000_123 + day), 4_000_123);
});
