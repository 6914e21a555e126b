import assert from 'node:assert/strict';
import { test } from 'node:test';
import { boundsOf } from '../../../src/reconcile/operations/build-disk.ts';

const space = (free: number) => ({ free, total: 1_000, freeFiles: null });
const floor = { builds: 100, logs: 50 };

test('a build may write what it declares, else what is free above the floor', () => {
  const seen = { begun: space(400), space: space(390), floor };
  assert.deepEqual(boundsOf({ ...seen, declared: null }), { limit: 300, isFull: false });
  assert.deepEqual(boundsOf({ ...seen, declared: 700 }), { limit: 700, isFull: false });
  assert.deepEqual(boundsOf({ ...seen, declared: null, begun: space(80) }).limit, 0);
  const off = { builds: 0, logs: 0 };
  assert.deepEqual(boundsOf({ ...seen, declared: null, floor: off }), { limit: null, isFull: false });
});

test('a build ends before logs are given up for it, whoever filled the disk', () => {
  const seen = { declared: 700, begun: space(400), floor };
  assert.equal(boundsOf({ ...seen, space: space(50) }).isFull, false);
  assert.equal(boundsOf({ ...seen, space: space(49) }).isFull, true);
});
