import { parseArgs } from 'node:util';
import { setTimeout as pause } from 'node:timers/promises';
import type { TestKapal } from '../test/e2e/kapal.ts';
import { shop } from '../test/e2e/survival.ts';
import type { Figures } from './figures.ts';
import { onStage } from './stage.ts';

/**
 * `scripts/node24 bench/build-bounds.ts [--rate 100]`: builds that allocate, fork, write or sleep without end, one after another, beside a service that answers `--rate` requests a
 * second, each on a connection of its own.
 *
 * Figures: each build ends with its own clear error; the share of requests that take longer than 250 ms, or fail, is at most twice that of a control run without a build, which
 * takes as long as a build does. Where the control run has none, half a percent.
 */
const { values } = parseArgs({ options: { rate: { type: 'string', default: '100' } } });
const rate = Number(values.rate);
const slow = 250;
const controlTime = 15_000;
const leastShare = 0.005;

const builds = [
  {
    name: 'allocates',
    command: `exec node -e 'const kept = []; setInterval(() => kept.push(Buffer.alloc(16 << 20, 1)), 2)'`,
    bounds: '{memoryLimit: 1GB}',
    error: /^build_failed .*build\.memoryLimit/,
  },
  {
    name: 'forks',
    command: 'while :; do sleep 1000 & done',
    bounds: '{processLimit: 256}',
    error: /^build_failed .*build\.processLimit/,
  },
  {
    name: 'computes in every process it may have',
    command: 'i=0; while [ $i -lt 40 ]; do (while :; do :; done) & i=$((i+1)); done; wait',
    bounds: '{timeoutSeconds: 10}',
    error: /^build_timeout /,
  },
  {
    name: 'fills the disk',
    command: 'exec cat /dev/zero >big',
    bounds: '{diskLimit: 2GB}',
    error: /^build_too_large .*build\.diskLimit/,
  },
  { name: 'sleeps', command: 'exec sleep 100000', bounds: '{timeoutSeconds: 5}', error: /^build_timeout / },
] as const;

await onStage(async (kapal, figures) => {
  await kapal.up();
  await kapal.deploy(await kapal.project('shop', shop('shop')));
  const control = await visited(kapal, pause(controlTime));
  console.log(`control: ${said(control)}`);
  const most = Math.max(2 * control.share, leastShare);
  for (const build of builds) await measure(kapal, figures, { build, most });
});

async function measure(
  kapal: TestKapal,
  figures: Figures,
  { build, most }: { readonly build: (typeof builds)[number]; readonly most: number },
): Promise<void> {
  const folder = await kapal.project('greedy', {
    'kapal.yaml': [
      'project: greedy',
      'services:',
      '  - type: worker',
      '    name: greedy',
      '    runtime: node',
      '    startCommand: exec sleep 100000',
      '    buildCommand: sh build.sh',
      `    build: ${build.bounds}`,
      '',
    ].join('\n'),
    'build.sh': build.command,
    'index.js': '',
  });
  const begun = performance.now();
  const deploying = kapal.deployFailing(folder);
  const seen = await visited(kapal, deploying);
  const error = (await deploying).services[0]?.error;
  const words = `${error?.code} ${error?.message} ${error?.hint}`;
  console.log(`${build.name}: ended after ${((performance.now() - begun) / 1000).toFixed(1)} s; ${said(seen)}`);
  figures.holds(`a build that ${build.name}: ${words}`, { wanted: String(build.error), is: build.error.test(words) });
  figures.atMost(`requests over ${slow} ms beside a build that ${build.name}`, {
    value: seen.share * 100,
    most: most * 100,
    unit: ' %',
  });
}

interface Visits {
  readonly count: number;
  /** Of those that took longer than `slow` or failed. */
  readonly share: number;
  readonly longest: number;
}

/** Visits at a steady pace until something has happened, whether or not they are answered. */
async function visited(kapal: TestKapal, until: Promise<unknown>): Promise<Visits> {
  const times: Promise<number>[] = [];
  let over = false;
  const end = until.finally(() => (over = true));
  const isOver = (): boolean => over;
  const begun = performance.now();
  while (!isOver()) {
    const since = performance.now();
    times.push(
      kapal.visit('shop.localhost').then(
        ({ status }) => (status === 200 ? performance.now() - since : Number.POSITIVE_INFINITY),
        () => Number.POSITIVE_INFINITY,
      ),
    );
    await pause(Math.max(0, begun + (times.length * 1000) / rate - performance.now()));
  }
  await end;
  const took = await Promise.all(times);
  return {
    count: took.length,
    share: took.filter((time) => time > slow).length / took.length,
    longest: Math.max(...took),
  };
}

function said({ count, share, longest }: Visits): string {
  return `${count} requests, ${(share * 100).toFixed(2)} % over ${slow} ms, the longest ${Math.round(longest)} ms`;
}
