import { writeFile } from 'node:fs/promises';
import { setTimeout as pause } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { leftovers, onlyOwned, usersOf } from '../test/e2e/install.ts';
import type { TestKapal } from '../test/e2e/kapal.ts';
import type { Figures } from './figures.ts';
import { randomFrom } from './random.ts';
import { bursts, type Ground, operations, sample, settled, withKills } from './soak/operations.ts';
import { Operator } from './soak/operator.ts';
import { Recorder } from './soak/recorder.ts';
import { Site } from './soak/site.ts';
import { Traffic } from './soak/traffic.ts';
import { onStage } from './stage.ts';

/**
 * Deploys, scales, restarts, rollbacks, domains, crashes and log bursts as a seed has them, under traffic, for as long as told: does anything grow?
 *
 *   scripts/node24 bench/soak.ts [--minutes 30] [--fill 5] [--kills 5] [--edge embedded|nginx] [--seed N] [--chart FILE] [--samples FILE]
 *   scripts/node24 bench/soak.ts --sample [--edge embedded|nginx] [--seed N]
 *
 * 1. `--fill` minutes without pauses, so that what is kept to a limit reaches it. 2. `--minutes` in which every 10 s all that could grow is looked at.
 * 3. `--kills` minutes in which the daemon, in the middle of deploys, and workers of the edge are killed too. 4. Without visitors, as many processes, descriptors and sockets are open as
 * before; all projects are removed, and nothing may be left of them.
 *
 * With `--sample` some of the operations once each, the death of the daemon too, and then 4: the sample of `npm test`.
 *
 * Figures: no failed request but those that a killed instance (POST) or worker of the edge had under way; every operation ends as it should; what is judged
 * by its course is flat, what has a limit keeps it (bench/soak/judgement.ts). Shorter than `shortest` minutes, the course is not judged.
 */
const { values: told } = parseArgs({
  options: {
    minutes: { type: 'string', default: '30' },
    fill: { type: 'string', default: '5' },
    kills: { type: 'string', default: '5' },
    edge: { type: 'string', default: 'embedded' },
    seed: { type: 'string', default: String(Date.now() % 1_000_000) },
    chart: { type: 'string' },
    samples: { type: 'string' },
    sample: { type: 'boolean', default: false },
  },
});
const minute = 60_000;
const time = {
  fill: Number(told.fill) * minute,
  watch: Number(told.minutes) * minute,
  kills: Number(told.kills) * minute,
};
const shortest = 10 * minute;

await onStage(async (kapal, figures) => {
  console.log(
    `seed ${told.seed}, ${told.edge}, ${told.sample ? 'a sample' : `${told.fill} + ${told.minutes} + ${told.kills} minutes`}, data folder ${kapal.data}`,
  );
  if (told.edge !== 'embedded' && told.edge !== 'nginx') throw new Error('--edge is embedded or nginx');
  kapal.edge = told.edge;
  await kapal.up();
  const ground: Ground = { kapal, site: new Site(kapal), fraction: randomFrom(Number(told.seed)) };
  const folders = [await ground.site.shop(), await ground.site.jobs(), await ground.site.pages()];
  await Promise.all(folders.map((folder) => kapal.deploy(folder)));
  await settled(kapal);
  await using recorder = new Recorder(kapal.data, ground.site);
  const before = await recorder.steady();
  await using traffic = new Traffic(kapal);
  const operator = new Operator(ground, traffic);

  if (told.sample) await operator.each(sample);
  else await soak({ ground, operator, recorder, figures });
  const met = await traffic.stop();
  await settled(kapal);
  // The edge keeps connections to instances for a second and a half.
  await pause(2_000);
  const after = await recorder.steady();

  console.log(`operations, and seconds each: ${operator.summary()}`);
  console.log(
    `${met.requests} requests, ${met.moved} streams that moved; ${met.late} broke because their visitors were not let run; excused: ${JSON.stringify(operator.excused)}`,
  );
  figures.atMost(
    `requests that failed, operations that ended otherwise, streams that were cut, of ${[...operator.counts.values()].reduce((a, b) => a + b, 0)} operations`,
    {
      value: operator.faults.length,
      most: 0,
    },
  );
  for (const { name, wanted, is } of recorder.compared(before, after)) figures.holds(name, { wanted, is });
  await cleared(kapal, figures);
});

interface Parts {
  readonly ground: Ground;
  readonly operator: Operator;
  readonly recorder: Recorder;
  readonly figures: Figures;
}

/** The three phases. */
async function soak({ ground, operator, recorder, figures }: Parts): Promise<void> {
  await fill(ground, operator);
  await recorder.during(() => operator.work(operations, { milliseconds: time.watch, paced: true }));
  console.log(recorder.table());
  if (told.samples !== undefined) await writeFile(told.samples, recorder.json());
  if (told.chart !== undefined)
    await writeFile(told.chart, recorder.chart(`${told.minutes} minutes, ${told.edge} edge, seed ${told.seed}`));
  await operator.work(withKills, { milliseconds: time.kills, paced: true });
  if (time.watch >= shortest)
    for (const { name, wanted, is } of recorder.findings()) figures.holds(name, { wanted, is });
}

/** Until the limits of what is kept are reached: logs by bursts, the record by operations without a pause. */
async function fill(ground: Ground, operator: Operator): Promise<void> {
  if (time.fill === 0) return;
  for (let count = 0; count < 10; count += 1) await bursts(ground);
  await operator.work(operations, { milliseconds: time.fill, paced: false });
  // What was freed is swept a little later.
  await pause(10_000);
}

/** Nothing of the services is left once their projects are removed, but for the account of the edge. */
async function cleared(kapal: TestKapal, figures: Figures): Promise<void> {
  await onlyOwned(kapal);
  await kapal.clear();
  const left = leftovers(kapal).filter(
    (what) => !/^(daemon|edge) |kapal\.sock$|daemon\.json$|\/sys\/fs\/cgroup/.test(what),
  );
  figures.atMost(`processes and folders of runs left ${left.join('; ')}`, { value: left.length, most: 0 });
  figures.atMost("users left beside the edge's", { value: usersOf(kapal).length - 1, most: 0 });
}
