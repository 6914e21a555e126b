import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Verdict } from '../storage/cases.ts';
import { logCuts, logDamage } from '../storage/logs.ts';
import { killedMigrations } from '../storage/migrations.ts';
import { powerCuts } from '../storage/power.ts';
import { failingWrites } from '../storage/record-writes.ts';
import { canMount, inNamespace } from '../storage/run.ts';

/** A sample of what `npm run storage` does in full; other cases each time. */
const seed = Date.now() % 1_000_000;

function hold(verdicts: readonly Verdict[]): void {
  for (const { what, cases } of verdicts) assert.ok(cases > 0, `no case of ${what}`);
  assert.deepEqual(
    verdicts.flatMap(({ what, failures }) => failures.map((failure) => `seed ${seed}: ${what}: ${failure}`)),
    [],
  );
}

describe('what a power cut leaves', () => {
  test('the record opens with all that was acknowledged, wherever its log ends', () =>
    hold(powerCuts({ seed, everyFrame: 60, offsets: 20, tails: 10, checkpoints: 10 })));

  test('the log store opens, whatever is left of it', async () =>
    hold([logCuts({ seed, offsets: 20 }), await logDamage({ seed, each: 1 })]));
});

test('a migration that is killed loses nothing, and is ended by the next start', () =>
  hold([killedMigrations({ every: 8 })]));

test('a write that fails is told, and what was acknowledged stays', () => hold(failingWrites({ every: 60 })));

// Where no mounts can be made, the writes above are made to fail one by one all the same.
test(
  'on a disk that is full nothing is half there, and the same work succeeds once there is room',
  { skip: !canMount() },
  async () =>
    hold([
      ...(await inNamespace('places', 'memory', '15')),
      ...(process.getuid?.() === 0 ? await inNamespace('places', 'loop', '15') : []),
    ]),
);
