import assert from 'node:assert/strict';
import { test } from 'node:test';
import { lookAtOverload, neverOverloaded, type OverloadState } from '../../../src/reconcile/overload-episodes.ts';

/** What was told, look by look. */
function told(looks: readonly (readonly [count: number, now: number])[]): unknown[] {
  let state: OverloadState = neverOverloaded;
  return looks.flatMap(([count, now]) => {
    const looked = lookAtOverload(state, { count, now });
    state = looked.state;
    return looked.news === null ? [] : [looked.news];
  });
}

test('an overload is told once when it begins and once when it is over', () => {
  const looks = [
    [0, 0],
    [5, 2_000],
    [9, 4_000],
    [9, 6_000],
    [12, 8_000],
    [12, 10_000],
    [12, 23_000],
    [12, 40_000],
    [13, 42_000],
  ] as const;
  assert.deepEqual(told(looks), [
    { kind: 'began' },
    { kind: 'ended', refused: 12, milliseconds: 6_000 },
    { kind: 'began' },
  ]);
});

test('workers that begin anew count from nothing', () => {
  assert.deepEqual(
    told([
      [10, 0],
      [4, 2_000],
      [4, 20_000],
    ]),
    [{ kind: 'began' }, { kind: 'ended', refused: 14, milliseconds: 2_000 }],
  );
});
