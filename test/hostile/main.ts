import { parseArgs } from 'node:util';
import { inputs } from './inputs.ts';
import { planted, unnoticed } from './planted.ts';
import { faultsOf, runGroups, tableOf } from './run.ts';
import { World } from './world.ts';

/**
 * `npm run hostile -- [--planted] [--door DOOR] [--verbose]`: sends hostile inputs to a daemon by its own doors and looks what they did. Prints a table; exits with 1 where
 * a file lies outside, a command ran, or an input was answered otherwise than it has to be. First it makes holes on purpose, which have to be noticed;
 * `--planted` counts those among the inputs.
 */
const { values } = parseArgs({
  options: {
    planted: { type: 'boolean', default: false },
    door: { type: 'string', multiple: true },
    verbose: { type: 'boolean', default: false },
  },
});
await using world = await World.start();
const begun = performance.now();
const told = (line: string) => (values.verbose ? console.error(line) : undefined);
const holes = await runGroups(world, [planted], told);
const missed = unnoticed(holes);
const wanted = inputs.filter(({ door }) => values.door?.includes(door) ?? true);
if (wanted.length === 0)
  throw new Error(`there is no such door; there are: ${inputs.map(({ door }) => door).join(', ')}`);
const verdicts = [...(values.planted ? holes : []), ...(await runGroups(world, wanted, told))];
const faults = faultsOf(verdicts);
for (const fault of faults) console.log(fault);
for (const name of missed) console.log(`MISSED planted hole: ${name}`);
console.log(tableOf(verdicts).join('\n'));
console.log(
  `${holes.length - missed.length} of ${holes.length} planted holes noticed; ${((performance.now() - begun) / 1000).toFixed(0)} s`,
);
process.exitCode = faults.length + missed.length === 0 ? 0 : 1;
