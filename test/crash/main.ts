import { parseArgs } from 'node:util';
import { CrashRun, type Kill, stepNamed } from './crash.ts';
import { planOf } from './plan.ts';
import { steps } from './steps.ts';

/**
 * `npm run crash -- [--all] [--step NAME]… [--point POINT]`: kills the daemon at crash points. Each point once, in the first step that passes it; with `--all`
 * at every pass of every step, and the next daemon too, at another point of its start each time. Prints a table; exits with 1 where an invariant did not hold.
 */
const { values } = parseArgs({
  options: { all: { type: 'boolean' }, step: { type: 'string', multiple: true }, point: { type: 'string' } },
});

await using run = await CrashRun.start();
const wanted = values.step === undefined ? steps : values.step.map(stepNamed);
const plan = await planOf(run, { steps: wanted, all: values.all === true });
const chosen = plan.kills.filter(({ kill }) => values.point === undefined || kill.point === values.point);
console.log(`${plan.points} points, ${plan.passes} passes in ${wanted.length} steps, ${chosen.length} kills`);

const rows = new Map<string, { kills: number; missed: number; failed: number }>();
for (const { step, kill, again } of chosen) {
  const key = `${step.name} | ${kill.point}`;
  const row = rows.get(key) ?? { kills: 0, missed: 0, failed: 0 };
  rows.set(key, row);
  try {
    const came = await run.survive(step, kill, again);
    if (came) row.kills += 1;
    else row.missed += 1;
    console.log(
      `${step.name}: ${at(kill)}${again === null ? '' : `, then ${at(again)}`}${came ? '' : ' was not passed again'}`,
    );
  } catch (error) {
    row.failed += 1;
    console.log(`FAILED ${step.name}: ${at(kill)}, then ${again === null ? 'nothing' : at(again)}: ${String(error)}`);
    await run.recover();
  }
}

console.log('| step | point | kills | not passed again | violations |\n|---|---|---|---|---|');
for (const [key, { kills, missed, failed }] of rows) console.log(`| ${key} | ${kills} | ${missed} | ${failed} |`);
const sum = (of: 'kills' | 'failed'): number => [...rows.values()].reduce((total, row) => total + row[of], 0);
console.log(`${sum('kills')} kills, ${sum('failed')} violations`);
process.exitCode = sum('failed') === 0 ? 0 : 1;

function at({ point, turn }: Kill): string {
  return `${point}@${turn}`;
}
