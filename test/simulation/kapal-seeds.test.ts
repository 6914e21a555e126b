import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { simulate } from './kapal/simulate.ts';

/** Seconds of histories: as many seeds as fit, and some on the slowest machine. `npm run simulate` explores others. */
const seconds = process.env['KAPAL_SIMULATION_SECONDS'] ?? '60';
const from = process.env['KAPAL_TEST_SEED'] ?? '1';

describe('a whole Kapal over histories with faults', () => {
  test('keeps its promises', (t) => {
    const all = simulate(['--from', from, '--seconds', seconds, '--least', '8']);
    const { seeds, steps, decisions, lives, acknowledged, violations } = all.at(-1) ?? {};
    t.diagnostic(
      `${String(seeds)} seeds, ${String(steps)} steps, ${String(decisions)} decisions, ${String(lives)} lives of the daemon, ${String(acknowledged)} acknowledged operations`,
    );
    assert.deepEqual(violations, []);
    assert.ok(
      Number(lives) > Number(seeds) && Number(acknowledged) > Number(seeds),
      'histories have restarts and commands',
    );
  });

  for (const seed of ['3', '11', '42'])
    test(`goes the same way twice from seed ${seed}`, () => {
      const [told] = simulate(['--seed', seed]);
      assert.deepEqual({ same: told?.['same'], violation: told?.['violation'] }, { same: true, violation: null });
      assert.match(String(told?.['trace']), /^\d{3,}-[0-9a-f]{8}$/);
    });
});
