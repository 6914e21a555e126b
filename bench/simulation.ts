import { parseArgs } from 'node:util';
import fc from 'fast-check';
import { plan } from '../src/plan/plan.ts';
import { releaseFingerprint } from '../src/plan/fingerprint.ts';
import { decide } from '../src/rollout/decide.ts';
import { routable } from '../src/rollout/table.ts';
import type { Spec } from '../src/spec/spec.ts';
import { readDeclaration } from '../src/spec/read.ts';
import { anyVariant, declarationOf, shapes } from '../test/simulation/kapal/declaration.ts';
import { Noise } from '../test/simulation/noise.ts';
import { scenarios } from '../test/simulation/rollout/scenario.ts';
import { World } from '../test/simulation/rollout/world.ts';
import { Figures } from './figures.ts';

/**
 * CPU of ten million steps of the pure core. A step is one decision: of the rollout machine on what it sees of a service (with the table that follows), in
 * random histories with faults whose every promise is checked; or of the plan, of what a declaration changes and of the fingerprints of its releases.
 */
const { values } = parseArgs({ options: { steps: { type: 'string', default: '10000000' } } });
const wanted = Number(values.steps);
/** One step in ten is the plan's. */
const planned = Math.round(wanted / 10);
const most = 300;

const figures = new Figures();
const began = process.cpuUsage();
const decisions = rollouts(wanted - planned);
const afterRollouts = secondsSince(began);
console.log(
  `${decisions.steps} decisions of the rollout machine in ${decisions.histories} histories: ${afterRollouts.toFixed(1)} s of CPU`,
);
const plans = planSteps(planned);
const all = secondsSince(began);
console.log(`${plans.steps} plans, ${plans.changes} changes in them: ${(all - afterRollouts).toFixed(1)} s of CPU`);
const steps = decisions.steps + plans.steps;
const scaled = (all * 10_000_000) / steps;
figures.atMost('ten million steps of the pure core', { value: scaled, most, unit: ' s of CPU' });
process.exit(figures.reached ? 0 : 1);

function rollouts(least: number): { readonly steps: number; readonly histories: number } {
  let [made, histories] = [0, 0];
  for (let seed = 1; made < least; seed += 1) {
    for (const scenario of fc.sample(scenarios, { seed, numRuns: 500 })) {
      const world = new World(scenario, { decide, routable });
      world.run();
      made += world.daemon.decisions;
      histories += 1;
    }
  }
  return { steps: made, histories };
}

/** Declarations of the whole-Kapal simulation, each planned against another one of the same services. */
function planSteps(least: number): { readonly steps: number; readonly changes: number } {
  const pairs = Array.from({ length: 200 }, (_, index) => pairOf(new Noise(index)));
  let [made, changes] = [0, 0];
  while (made < least) {
    for (const { before, after } of pairs) {
      const existing = before.services.map((spec) => ({ name: spec.name, spec, scale: null, current: 1 }));
      const { changes: found } = plan({ spec: after, environment: 'production', existing });
      changes += found.filter(({ action }) => action !== 'unchanged').length;
      for (const spec of after.services)
        releaseFingerprint({ sourceDigest: 'sha256-0', spec, variablesDigest: 'sha256-1' }, (text) => text);
      made += 1;
    }
  }
  return { steps: made, changes };
}

function pairOf(noise: Noise): { readonly before: Spec; readonly after: Spec } {
  const all = shapes(noise);
  const read = (version: number): Spec => {
    const text = declarationOf(all.map((shape) => ({ shape, variant: anyVariant(noise, version) })));
    const files = {
      read: (path: string) => (path === 'kapal.yaml' ? text : null),
      head: () => null,
      list: () => ['kapal.yaml'],
    };
    return readDeclaration(files, { name: 'shop' });
  };
  return { before: read(1), after: read(noise.between(1, 2)) };
}

function secondsSince(begun: NodeJS.CpuUsage): number {
  const used = process.cpuUsage(begun);
  return (used.user + used.system) / 1_000_000;
}
