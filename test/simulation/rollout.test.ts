import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { decide } from '../../src/rollout/decide.ts';
import { routable } from '../../src/rollout/table.ts';
import type { Machine } from './rollout/daemon.ts';
import { diskMutants, type Mutant, mutants } from './rollout/mutants.ts';
import { diskScenarios, type Scenario, scenarios } from './rollout/scenario.ts';
import { World } from './rollout/world.ts';

/** The same histories every time; `KAPAL_TEST_SEED` and `KAPAL_TEST_RUNS` explore others. A failure prints its seed and the smallest history. */
const seed = Number(process.env['KAPAL_TEST_SEED'] ?? 20_260_101);
const histories = Number(process.env['KAPAL_TEST_RUNS'] ?? 10_000);
/** A mutant that survives so many is not found. */
const patience = 4_000;
const batch = 200;

const machine: Machine = { decide, routable };

describe('the rollout machine over random histories with faults', () => {
  test('keeps its promises', (t) => t.diagnostic(keepsPromises(scenarios, { runs: histories, ends: 0.01 })));

  test('keeps them where one disk is for one process at a time', (t) =>
    // A single instance that is ready is all of the rollout, so little is left to be withdrawn.
    t.diagnostic(keepsPromises(diskScenarios, { runs: Math.ceil(histories / 2), ends: 0.001 })));

  test('gives the same history for the same seed', () => {
    for (const scenario of fc.sample(scenarios, { seed, numRuns: 50 })) {
      const [one, two] = [new World(scenario, machine), new World(scenario, machine)];
      one.run();
      two.run();
      assert.deepEqual([one.daemon.decisions, one.agenda.now], [two.daemon.decisions, two.agenda.now]);
    }
  });

  for (const { of, list } of [
    { of: scenarios, list: mutants },
    { of: diskScenarios, list: diskMutants },
  ]) {
    for (const mutant of list) {
      test(`notices a machine that ${mutant.bug}`, (t) => {
        const { after, message } = firstFailure(mutant, of);
        assert.match(message, mutant.found);
        t.diagnostic(`found by history ${after}`);
      });
    }
  }
});

/** Answers what was seen. `ends`: for how many of the histories one rollout at least ends in each way. */
function keepsPromises(of: fc.Arbitrary<Scenario>, { runs, ends: share }: { runs: number; ends: number }): string {
  const outcomes: Record<string, number> = { live: 0, failed: 0, rolled_back: 0, cancelled: 0 };
  let decisions = 0;
  const promise = fc.property(of, (scenario) => {
    const world = new World(scenario, machine);
    world.run();
    decisions += world.daemon.decisions;
    for (const [outcome, count] of Object.entries(world.checks.outcomes))
      outcomes[outcome] = (outcomes[outcome] ?? 0) + count;
  });
  fc.assert(promise, { seed, numRuns: runs });
  for (const [outcome, count] of Object.entries(outcomes))
    assert.ok(count > runs * share, `enough rollouts end ${outcome}`);
  const ends = Object.entries(outcomes).map(([outcome, count]) => `${count} ${outcome}`);
  return `${runs} histories, ${decisions} decisions, rollouts: ${ends.join(', ')}`;
}

/** Runs histories until one of them fails. */
function firstFailure(
  mutant: Mutant,
  of: fc.Arbitrary<Scenario>,
): { readonly after: number; readonly message: string } {
  for (let after = 0; after < patience; after += batch) {
    for (const [index, scenario] of fc.sample(of, { seed: seed + after, numRuns: batch }).entries()) {
      const message = failure(scenario, { ...machine, ...mutant });
      if (message !== null) return { after: after + index + 1, message };
    }
  }
  return assert.fail(`${patience} histories do not notice it`);
}

function failure(scenario: Scenario, mutated: Machine): string | null {
  try {
    new World(scenario, mutated).run();
    return null;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}
