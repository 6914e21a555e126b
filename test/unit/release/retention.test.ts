import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { recordedReleases, retention } from '../../../src/release/retention.ts';
import type { ReleaseRow } from '../../../src/state/records.ts';
import { release } from '../state/sample.ts';

/** Releases 1 to `count`, newest first as the store answers them, of which all but the newest ten have been pruned. */
function history(count: number): ReleaseRow[] {
  return Array.from({ length: count }, (_, index) => {
    const number = count - index;
    return release({ number, pruned: index >= 10, artifact: artifact(number) });
  });
}

function artifact(number: number): NonNullable<ReleaseRow['artifact']> {
  return { id: `artifact-${number}`, kind: 'folder', path: `/releases/${number}` };
}

describe('what is kept of the releases of a service', () => {
  test('the newest ten keep their artifacts', () => {
    const releases = history(12).map((row) => ({ ...row, pruned: false }));
    assert.deepEqual(retention(releases, new Set()), {
      prune: [2, 1],
      artifacts: ['/releases/2', '/releases/1'],
      forget: [],
    });
  });

  test('the newest hundred stay on record', () => {
    assert.deepEqual(retention(history(recordedReleases), new Set()).forget, []);
    assert.deepEqual(retention(history(recordedReleases + 3), new Set()).forget, [3, 2, 1]);
  });

  test('one in use is neither pruned nor forgotten, however old it is', () => {
    const releases = history(200).map((row) => (row.number === 5 ? { ...row, pruned: false } : row));
    const kept = retention(releases, new Set([5]));
    assert.deepEqual([kept.prune, kept.artifacts], [[], []]);
    assert.ok(!kept.forget.includes(5));
    assert.equal(kept.forget.length, 99);
    // It has gone out of use: both at once.
    const gone = retention(releases, new Set());
    assert.deepEqual([gone.prune, gone.artifacts, gone.forget.includes(5)], [[5], ['/releases/5'], true]);
  });
});
