import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { bugs } from './kapal/bugs.ts';
import { simulate } from './kapal/simulate.ts';

/** A simulation that cannot find these counts for nothing. */
describe('the simulation of a whole Kapal', () => {
  const found = new Map(simulate(['--bugs']).map((told) => [told['bug'], told['found']]));

  test('has planted bugs of plan, rollout and reconcile', () => assert.ok(bugs.length >= 12));

  for (const { does } of bugs)
    test(`notices a Kapal that ${does}`, (t) => {
      const by = found.get(does);
      assert.ok(typeof by === 'object' && by !== null && 'seed' in by && 'violation' in by, 'no history shows it');
      t.diagnostic(`seed ${String(by.seed)}: ${String(by.violation)}`);
    });
});
