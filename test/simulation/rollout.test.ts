import { test } from 'node:test';
import fc from 'fast-check';
import { decide } from '../../src/rollout/decide.ts';
import { routable } from '../../src/rollout/table.ts';
import { scenarios } from './rollout/scenario.ts';
import { World } from './rollout/world.ts';

test('x', () => {
  let decisions = 0, runs=0; const outcomes: Record<string, number> = {};
  const t0=performance.now();
  fc.assert(fc.property(scenarios, (scenario) => {
    const world = new World(scenario, { decide, routable });
    world.run();
    runs++;
    decisions += world.decisions;
    for (const [k,v] of Object.entries(world.checks.outcomes)) outcomes[k] = (outcomes[k]??0)+v;
  }), { numRuns: Number(process.env.RUNS ?? 1000), ...(process.env.SEED ? {seed: Number(process.env.SEED)} : {}) });
  console.log(runs, decisions, outcomes, performance.now()-t0);
});
