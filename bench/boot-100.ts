import { loadavg } from 'node:os';
import { parseArgs } from 'node:util';
import { until } from '../test/e2e/kapal.ts';
import type { TestKapal } from '../test/e2e/kapal.ts';
import { killAll } from '../test/e2e/install.ts';
import { onStage } from './stage.ts';

/**
 * A hundred services at once: deployed by one command, and then after a power cut, when nothing runs and the daemon has to start them all.
 *
 *   scripts/node24 bench/boot-100.ts [--services 100]
 *
 * Figures: all of them ready, none failed by its start time-out, which begins with its own start.
 */
const { values } = parseArgs({ options: { services: { type: 'string', default: '100' } } });
const count = Number(values.services);

/** Boots for about 150 ms of computing, as a small framework does. */
const app = `const until = performance.now() + 150;
while (performance.now() < until);
require('node:http').createServer((request, response) => response.end('ok')).listen(process.env.PORT, process.env.HOST);
`;

const services = Array.from(
  { length: count },
  (_, index) => `  - type: web
    name: s${index}
    runtime: node
    buildCommand: ""
    startCommand: node app.js
    healthCheckPath: /
`,
);

/** The highest load of one minute that was seen while the work went on. */
async function peakLoad(work: Promise<unknown>): Promise<number> {
  let [peak, over] = [0, false];
  const ended = work.finally(() => (over = true));
  await until(
    'it is over',
    () => {
      peak = Math.max(peak, loadavg()[0] ?? 0);
      return Promise.resolve(over);
    },
    600,
  ).catch(() => undefined);
  await ended;
  return peak;
}

async function readyServices(kapal: TestKapal): Promise<number> {
  return (await kapal.ps()).filter(({ instances }) => instances.some(({ state }) => state === 'ready')).length;
}

await onStage(async (kapal, figures) => {
  await kapal.up();
  const project = await kapal.project('many', {
    'app.js': app,
    'package.json': '{}',
    'kapal.yaml': `services:\n${services.join('')}`,
  });
  let begun = performance.now();
  const deployed = kapal.deploy(project);
  const deployLoad = await peakLoad(deployed);
  const outcomes = (await deployed).services;
  const live = outcomes.filter(({ outcome }) => outcome === 'live').length;
  const seconds = (): string => ((performance.now() - begun) / 1000).toFixed(1);
  console.log(`deploy: ${seconds()} s, highest load of a minute ${deployLoad.toFixed(1)}`);
  for (const { service, error } of outcomes) if (error !== undefined) console.log(`  ${service}: ${error?.code}`);
  figures.holds(`live after one deploy: ${live}`, { wanted: String(count), is: live === count });

  await killAll(kapal);
  begun = performance.now();
  const back = kapal.up().then(() => until('all are ready', async () => (await readyServices(kapal)) === count, 300));
  const bootLoad = await peakLoad(back);
  const ready = await readyServices(kapal);
  console.log(`from cold: ${seconds()} s, highest load of a minute ${bootLoad.toFixed(1)}`);
  figures.holds(`ready from cold: ${ready}`, { wanted: String(count), is: ready === count });
  const restarts = (await kapal.ps()).flatMap(({ instances }) => instances.map((instance) => instance.restarts));
  const most = Math.max(...restarts);
  figures.holds(`starts that were needed for one at most: ${most}`, { wanted: '1', is: most === 1 });
});
