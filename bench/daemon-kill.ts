import type { TestKapal } from '../test/e2e/kapal.ts';
import { Deployer, endingsOf, isExpected } from './deployer.ts';
import { randomFrom } from './random.ts';
import { Shop, shopLoad } from './shop.ts';
import { onStage } from './stage.ts';
import { Watch } from './watch.ts';

/**
 * 500 requests a second through the edge while the daemon is killed with SIGKILL 20 times, at random moments, in the middle of deploys (good ones,
 * some that crash, some that fail their health check, some that supersede another), and started again at once.
 *
 * Figures: no failed request; no instance restarted or lost that was not part of a deploy; every deploy that was acknowledged reaches an outcome,
 * the one that its version earns; the daemon is ready again within 3 s of its start. `bench/daemon-kill.ts SEED` repeats the moments of an earlier run.
 */
const kills = 20;
const seed = Number(process.argv[2] ?? Date.now() % 1_000_000);

/** Milliseconds between a daemon that is ready and its death. */
const lifetime = { least: 100, most: 4_000 } as const;

await onStage(async (kapal, figures) => {
  console.log(`seed ${seed}`);
  const fraction = randomFrom(seed);
  await kapal.up();
  await kapal.deploy(await steadyProject(kapal));
  const shop = await Shop.open(kapal);
  await shop.change('none');
  await kapal.deploy(shop.folder);
  await using load = shopLoad(kapal);
  const watch = new Watch(kapal);
  const deployer = new Deployer(kapal, shop);
  const deploying = deployer.run();

  const starts: number[] = [];
  for (let kill = 0; kill < kills; kill += 1) {
    const alive = lifetime.least + fraction() * (lifetime.most - lifetime.least);
    await watch.during(alive);
    await kapal.killDaemon();
    const begun = performance.now();
    await kapal.up();
    starts.push(performance.now() - begun);
    await watch.look();
  }
  deployer.stop();
  await deploying;
  console.log(
    `${deployer.acknowledged.length} deploys acknowledged, ${deployer.refused} could not be (no daemon answered)`,
  );
  const endings = await endingsOf(kapal, deployer.acknowledged);
  console.log(`outcomes: ${JSON.stringify(countOf(endings.map(({ outcome }) => String(outcome))))}`);
  const strange = endings.filter((ending) => !isExpected(ending));
  for (const { deploy, outcome, message } of strange)
    console.log(`  a version with the fault "${deploy.fault}" ended ${outcome}: ${message}`);
  await watch.look();
  const { requests, failed, slow, failures } = await load.stop();
  console.log(`${requests} requests, ${slow} over 250 ms ${JSON.stringify(failures)}`);

  figures.atMost(`failed requests during ${kills} kills of the daemon`, { value: failed, most: 0 });
  for (const fault of watch.faults) console.log(`  ${fault}`);
  figures.atMost('instances restarted or lost that no deploy replaced', { value: watch.faults.length, most: 0 });
  const endless = endings.filter(({ outcome }) => outcome === null).length;
  figures.atMost('acknowledged deploys without an outcome', { value: endless, most: 0 });
  figures.atMost('deploys with an outcome that their version did not earn', { value: strange.length, most: 0 });
  console.log(`ready again after: ${starts.map((start) => (start / 1000).toFixed(2)).join(' ')} s`);
  figures.atMost('longest time until the daemon was ready again', {
    value: Math.max(...starts) / 1000,
    most: 3,
    unit: ' s',
  });
});

/** Two replicas that nothing deploys while the daemon dies: their processes must live through it all. */
function steadyProject(kapal: TestKapal): Promise<string> {
  return kapal.project('steady', {
    'kapal.yaml':
      'project: steady\nservices:\n  - {type: web, name: steady, runtime: node, startCommand: node server.js, numInstances: 2}\n',
    'server.js':
      "require('node:http').createServer((_, response) => response.end('steady')).listen(process.env.PORT, process.env.HOST);\n",
  });
}

function countOf(words: readonly string[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const word of words) counts[word] = (counts[word] ?? 0) + 1;
  return counts;
}
