import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { parseArgs, promisify } from 'node:util';
import { checkout } from '../test/e2e/kapal.ts';
import type { TestKapal } from '../test/e2e/kapal.ts';
import { type Victim, victims } from './overload/apps.ts';
import type { Asked, Phase, Plan } from './overload/visitors.ts';
import { type Figures, median } from './figures.ts';
import { onStage } from './stage.ts';

/**
 * A service is asked for four times what it can take. Its capacity is found by visitors who wait for their answers; then comes normal load (half of the
 * capacity), the overload, and normal load again. Each request comes whether or not others were answered, half of them on new connections, and is given up
 * after 5 s. Goodput is what was answered 2xx within the patience of a visitor.
 *
 *   scripts/node24 bench/overload.ts [--edge nginx|embedded] [--seconds 60] [--times 4] [--only thread|cpu|pool|prefork]
 *
 * Figures: goodput of 80% of the capacity; every refusal a 503 with Retry-After, 99 of 100 within 250 ms; normal again within 5 s of the end.
 */
const { values } = parseArgs({
  options: {
    edge: { type: 'string', default: 'nginx' },
    seconds: { type: 'string', default: '60' },
    times: { type: 'string', default: '4' },
    only: { type: 'string' },
  },
});
const seconds = Number(values.seconds);
const run = promisify(execFile);

interface Course {
  readonly capacity: number;
  readonly before: readonly Asked[];
  readonly during: readonly Asked[];
  readonly after: readonly Asked[];
}

const warming = 12;
const measured = 6;
const normal = 8;

async function visit(kapal: TestKapal, victim: Victim, phases: readonly Phase[]): Promise<Asked[][]> {
  const plan: Plan = { port: kapal.http, host: `${victim.name}.localhost`, phases };
  const script = join(checkout, 'bench/overload/visitors.ts');
  const { stdout } = await run(process.execPath, [script, JSON.stringify(plan)], { maxBuffer: 1 << 29 });
  return JSON.parse(stdout) as Asked[][];
}

async function course(kapal: TestKapal, victim: Victim): Promise<Course> {
  const [, quick = []] = await visit(kapal, victim, [
    { visitors: victim.visitors, seconds: warming },
    { visitors: victim.visitors, seconds: measured },
  ]);
  const capacity = quick.filter(isGood).length / measured;
  const phases = await visit(kapal, victim, [
    { rate: capacity / 2, seconds: normal },
    { rate: capacity * Number(values.times), seconds },
    { rate: capacity / 2, seconds: 12 },
  ]);
  const [before = [], during = [], after = []] = phases;
  return { capacity, before, during, after };
}

function isGood({ status }: Asked): boolean {
  return status >= 200 && status < 300;
}

function quantile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;
}

/** Seconds after the overload until the last request that failed, or that took clearly longer than it does under normal load. */
function recovery({ before, after }: Course): number {
  const usual = quantile(
    before.map(({ took }) => took),
    0.99,
  );
  const late = after.filter((asked) => !isGood(asked) || asked.took > 2 * usual + 100);
  // One in a hundred may be so at any time.
  const lasting = late.toSorted((a, b) => a.at - b.at).slice(0, Math.max(0, late.length - after.length / 100));
  return Math.max(0, ...lasting.map(({ at, took }) => at + took)) / 1000;
}

function report(victim: Victim, found: Course, figures: Figures): void {
  const { capacity, before, during, after } = found;
  const statuses = new Map<number, number>();
  for (const { status } of during) statuses.set(status, (statuses.get(status) ?? 0) + 1);
  const good = during.filter(isGood);
  const refused = during.filter(({ status }) => status === 503);
  const wrong = before.filter((asked) => !isGood(asked)).length;
  const times = (list: readonly Asked[]): string =>
    `p50 ${Math.round(median(list.map(({ took }) => took)))} ms, p99 ${Math.round(
      quantile(
        list.map(({ took }) => took),
        0.99,
      ),
    )} ms`;
  const goodput = (patience: number): number =>
    good.filter(({ took }) => took <= patience).length / (capacity * seconds);
  console.log(
    `\n${values.edge}, ${victim.name}: capacity ${capacity.toFixed(0)}/s, asked for ${(during.length / seconds).toFixed(0)}/s for ${seconds} s`,
  );
  console.log(`  normal load before: ${times(before)}, ${wrong} not answered well; after: ${times(after)}`);
  console.log(`  under overload: ${JSON.stringify(Object.fromEntries(statuses))}; 0: given up or broken`);
  console.log(`  answered well: ${times(good)}; refused: ${times(refused)}`);
  console.log(`  goodput within 1 s: ${goodput(1_000).toFixed(2)}, within 5 s: ${goodput(5_000).toFixed(2)}`);
  const name = `${values.edge}, ${victim.name}`;
  figures.holds(`${name}: goodput within 5 s ${goodput(5_000).toFixed(2)}`, {
    wanted: 'at least 0.80',
    is: goodput(5_000) >= 0.8,
  });
  const told = refused.filter(({ retryAfter }) => /^[1-9]\d*$/.test(retryAfter ?? '')).length;
  figures.holds(`${name}: ${told} of ${refused.length} refusals say Retry-After`, {
    wanted: 'all, and there are some',
    is: told === refused.length && told > 0,
  });
  const slowest = quantile(
    refused.map(({ took }) => took),
    0.99,
  );
  figures.holds(`${name}: refused within ${slowest.toFixed(0)} ms (p99)`, {
    wanted: 'at most 250 ms',
    is: slowest <= 250,
  });
  figures.atMost(`${name}: normal again after`, { value: recovery(found), most: 5, unit: ' s' });
  figures.atMost(`${name}: refused or failed under normal load before`, { value: wrong, most: 0 });
}

await onStage(async (kapal, figures) => {
  await kapal.up(['--edge', values.edge]);
  for (const victim of victims) {
    if (values.only !== undefined && values.only !== victim.name) continue;
    await kapal.deploy(await kapal.project(victim.name, victim.files));
    report(victim, await course(kapal, victim), figures);
    await kapal.run('stop', victim.name);
  }
});
