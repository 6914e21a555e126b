import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { type DiskState, decideDisk, limitsOf } from '../../../src/reconcile/disk-decision.ts';

const gibi = 1024 ** 3;
const mebi = 1024 ** 2;
const order: readonly DiskState[] = ['plenty', 'refusing', 'trimming', 'last'];

/** What is decided on a disk of 100 GiB. */
function decided(
  free: number,
  { ballast = 64 * mebi, before = 'plenty' as DiskState, freeFiles = null as number | null } = {},
) {
  const space = { free, total: 100 * gibi, freeFiles };
  const { state, actions } = decideDisk({ space, limits: limitsOf(space.total, 'auto'), ballast, before });
  return [state, ...actions.map(({ kind }) => kind)];
}

describe('what is to stay free', () => {
  test('5 % of a small disk, 1 GiB of a large one, or what the operator says', () => {
    assert.equal(limitsOf(10 * gibi, 'auto').builds, Math.floor(gibi / 2));
    assert.equal(limitsOf(100 * gibi, 'auto').builds, gibi);
    assert.equal(limitsOf(100 * gibi, { share: 0.1 }).builds, 10 * gibi);
    assert.equal(limitsOf(100 * gibi, { bytes: 3 * gibi }).builds, 3 * gibi);
  });

  test('the ballast file has 64 MiB at most', () => {
    assert.equal(limitsOf(100 * gibi, 'auto').ballastSize, 64 * mebi);
    assert.equal(limitsOf(64 * mebi, 'auto').ballastSize < mebi, true);
  });
});

describe('a disk that fills', () => {
  test('builds are refused first, logs go second, the ballast last', () => {
    assert.deepEqual(decided(2 * gibi), ['plenty']);
    assert.deepEqual(decided(gibi - 1), ['refusing', 'collect-trees']);
    assert.deepEqual(decided(gibi / 2 - 1), ['trimming', 'collect-trees', 'trim-logs']);
    assert.deepEqual(decided(gibi / 8 - 1), ['last', 'release-ballast', 'collect-trees', 'trim-logs']);
    assert.deepEqual(decided(0, { ballast: 0, before: 'last' }), ['last', 'collect-trees', 'trim-logs']);
  });

  test('room that comes back is used only when there is some to spare, and the ballast is made again', () => {
    assert.deepEqual(decided(gibi + 1, { before: 'refusing', ballast: 0 }), ['refusing', 'collect-trees']);
    assert.deepEqual(decided(1.2 * gibi, { before: 'last', ballast: 0 }), ['plenty', 'make-ballast']);
    assert.deepEqual(decided(2 * gibi, { ballast: 0 }), ['plenty', 'make-ballast']);
  });

  test('few files that can still be made are as little room', () => {
    assert.deepEqual(decided(50 * gibi, { freeFiles: 100 }), ['refusing', 'collect-trees']);
  });

  test('without a limit nothing is ever given up', () => {
    const space = { free: 0, total: gibi, freeFiles: 0 };
    for (const keep of [{ bytes: 0 }, { share: 0 }])
      assert.deepEqual(decideDisk({ space, limits: limitsOf(gibi, keep), ballast: 0, before: 'plenty' }), {
        state: 'plenty',
        actions: [],
      });
  });

  test('less room never gives up less, and every action says why', () => {
    const bytes = fc.integer({ min: 0, max: 100 * gibi });
    fc.assert(
      fc.property(
        fc.record({
          one: bytes,
          other: bytes,
          before: fc.constantFrom(...order),
          ballast: fc.constantFrom(0, 64 * mebi),
        }),
        ({ one, other, before, ballast }) => {
          const limits = limitsOf(100 * gibi, 'auto');
          const at = (free: number) =>
            decideDisk({ space: { free, total: 100 * gibi, freeFiles: null }, limits, ballast, before });
          const [less, more] = [at(Math.min(one, other)), at(Math.max(one, other))];
          assert.ok(order.indexOf(less.state) >= order.indexOf(more.state));
          assert.ok([...less.actions, ...more.actions].every(({ reason }) => reason.includes('are free')));
          // The ballast file cannot be made and given up in turns: making it leaves more than what gives it up.
          const made = more.actions.find(({ kind }) => kind === 'make-ballast');
          if (made !== undefined) {
            const after = { free: Math.max(one, other) - limits.ballastSize, total: 100 * gibi, freeFiles: null };
            assert.notEqual(
              decideDisk({ space: after, limits, ballast: limits.ballastSize, before: 'plenty' }).state,
              'last',
            );
          }
        },
      ),
    );
  });
});
