import assert from 'node:assert/strict';
import { test } from 'node:test';
import { warningOf } from '../../../src/reconcile/disk-usage.ts';

test('a disk is warned of at 80 and 100 percent, once, and the warning ends a little below', () => {
  const shares: readonly (readonly [used: number, warned: number])[] = [
    [10, 0],
    [79, 0],
    [80, 80],
    [78, 80],
    [75, 80],
    [74, 0],
    [100, 100],
    [96, 100],
    [94, 80],
    [130, 100],
    [0, 0],
  ];
  let before: ReturnType<typeof warningOf> = 0;
  for (const [used, warned] of shares) {
    before = warningOf({ used, size: 100, before });
    assert.equal(before, warned, `${used} percent`);
  }
});
