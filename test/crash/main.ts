import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { parseArgs } from 'node:util';
import { CrashRun, type Engine } from './crash.ts';
import { matrix } from './matrix.ts';
import { pointsInSource } from './points.ts';
import { Results } from './results.ts';
import { isMeantFor, sample, type SampledRun, sampleFirstStart, stepsFor } from './sample.ts';
import { groups, stepNamed, steps } from './steps.ts';
import { tableOf } from './table.ts';

/**
 * `npm run crash -- [--all] [--edge ENGINE] [--step NAME]… [--point POINT] [--results FILE] [--minutes N] [--jobs N] [--table FILE]`: kills the daemon at crash points. Each point once,
 * with several kills in a run; with `--all` one run for every pass of every step, with the next daemon killed in its recovery. With nginx only its own points,
 * for all others are the same. `--results` keeps what is done, so that another call goes on from there, and `--minutes` ends this one early; with
 * `--jobs` so many services are killed at a time; `--table` makes a page of it. Exits with 1 where an
 * invariant did not hold.
 */
const { values } = parseArgs({
  options: {
    all: { type: 'boolean' },
    edge: { type: 'string' },
    step: { type: 'string', multiple: true },
    point: { type: 'string' },
    results: { type: 'string' },
    table: { type: 'string' },
    minutes: { type: 'string' },
    jobs: { type: 'string', default: '1' },
  },
});

/** Milliseconds after which what does not hold is taken to be violated. */
const patience = 150_000;

const results = new Results(values.results ?? null);
const wanted = values.step?.map(stepNamed) ?? steps;
const began = performance.now();
const isLate = (): boolean => performance.now() - began > Number(values.minutes ?? Infinity) * 60_000;
const say = (line: string): void => console.log(`${((performance.now() - began) / 1000).toFixed(0)} s  ${line}`);

for (const edge of ['embedded', 'nginx'] as const) {
  if ((values.edge !== undefined && values.edge !== edge) || isLate()) continue;
  const isMeant = (point: string): boolean =>
    (values.point === undefined || point === values.point) && isMeantFor(edge, point);
  await using stack = new AsyncDisposableStack();
  const one = async (): Promise<CrashRun> => stack.use(await CrashRun.start(edge, patience));
  const run = await one();
  if (values.all === true) {
    const chosen = groups
      .map((group) => group.filter((step) => wanted.includes(step)))
      .filter(({ length }) => length > 0);
    const runs = [run];
    while (runs.length < Number(values.jobs)) runs.push(await one());
    await matrix({ edge, runs, groups: chosen, points: isMeant, results, say, isLate });
  } else await once(run, edge, isMeant);
}

if (values.table !== undefined) writeFileSync(values.table, tableOf(results, facts()));
const violated = results.results.filter(({ violation }) => violation !== null).length;
console.log(
  `${results.results.length} runs, ${results.results.flatMap(({ killed }) => killed).length} kills, ${violated} violations`,
);
process.exitCode = violated === 0 ? 0 : 1;

async function once(run: CrashRun, edge: Engine, isMeant: (point: string) => boolean): Promise<void> {
  const left = new Set(pointsInSource().filter(isMeant));
  const seen = ({ step, killed }: SampledRun): void => {
    say(`${step}: killed ${killed.length === 0 ? 'nowhere' : `at ${killed.join(', then ')}`}`);
    results.add({ edge, step, point: killed[0] ?? '', turn: 1, killed, violation: null });
  };
  await sample(run, { steps: values.step === undefined ? stepsFor(edge) : wanted, left, seen });
  if (values.step === undefined) seen(await sampleFirstStart(edge, left));
  say(`not passed with the ${edge} edge: ${[...left].join(', ') || 'none'}`);
}

function facts(): string[] {
  const commit = execFileSync('git', ['rev-parse', '--short=12', 'HEAD'], { encoding: 'utf8' }).trim();
  return [
    `${new Date().toISOString().slice(0, 10)}, commit ${commit}, Node ${process.versions.node}, ${cpus().length} processors.`,
  ];
}
