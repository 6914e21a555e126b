import { chmodSync, copyFileSync, mkdtempSync, renameSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { EdgeGround, tableTo } from '../test/integration/edge-fixture.ts';
import { commented, versionWith } from '../test/integration/edge-version.ts';
import { NginxGround } from '../test/integration/nginx-ground.ts';
import { locateNginx, usualPlaces } from '../src/edge/nginx/locate.ts';
import type { Edge } from '../src/edge/port.ts';
import { startArrivals } from './edge/arrivals.ts';
import { startBackends } from './edge/peers.ts';
import { Figures } from './figures.ts';

/**
 * The part of an upgrade that visitors could notice, without a daemon around it: one version of the edge takes over from another, again and again, while
 * visitors arrive at a steady pace, each on a connection of its own.
 *
 *   scripts/node24 bench/edge-handovers.ts [nginx|nginx-program|embedded] [TIMES] [CONNECTIONS A SECOND] [SECONDS]
 *
 * `nginx`: other Lua. `nginx-program`: the program of nginx is replaced on disk. `embedded`: other code of workers and keeper. No hand-over begins after so many
 * SECONDS (600). Figures: no connection refused, reset or left without its answer; every hand-over brought other workers.
 */
const kind = process.argv[2] ?? 'nginx';
const times = Number(process.argv[3] ?? 20);
const rate = Number(process.argv[4] ?? (kind === 'embedded' ? 300 : 2_000));
const seconds = Number(process.argv[5] ?? 600);

/** Drivers of what is to take over next. */
async function contestants(ground: EdgeGround | NginxGround): Promise<() => Edge> {
  let number = 0;
  if (ground instanceof NginxGround && kind === 'nginx-program') {
    const found = await locateNginx();
    if (!found.found) throw new Error(found.why);
    const program = join(ground.root, 'nginx');
    return () => {
      copyFileSync(found.program, `${program}.new`);
      renameSync(`${program}.new`, program);
      return ground.edge({ places: { ...usualPlaces, programs: [program] } });
    };
  }
  const versions = await Promise.all(
    ['one', 'two'].map((word) => versionWith(join(ground.root, word), commented(word))),
  );
  return () => {
    number += 1;
    const version = versions[number % 2];
    if (version === undefined) throw new Error('there are two versions');
    if (ground instanceof NginxGround) return version.nginx.createNginxEdge(ground.options);
    return version.embedded.createEmbeddedEdge(ground.options);
  };
}

async function measure(figures: Figures, folder: string): Promise<void> {
  await using ground = kind === 'embedded' ? await EdgeGround.make() : await NginxGround.make();
  await using backends = await startBackends({ folder, proxyCore: 0, otherCore: 1 });
  const next = await contestants(ground);
  const first = next();
  let { workers } = await first.ensure();
  await first.apply(tableTo(1, backends.ports));
  await using arrivals = startArrivals({ port: ground.port, host: 'a.localhost', rate, tls: false });
  await pause(2_000);
  const end = performance.now() + seconds * 1000;
  const took: number[] = [];
  let same = 0;
  while (took.length < times && performance.now() < end) {
    const edge = next();
    const begun = performance.now();
    const now = await edge.ensure();
    took.push(performance.now() - begun);
    if (now.workers.some(({ pid }) => workers.some((before) => before.pid === pid))) same += 1;
    workers = now.workers;
    await pause(500);
  }
  const { requests, failures, failedAt, fewest, median, slowest } = await arrivals.stop();
  console.log(
    `${kind}: ${took.length} hand-overs of ${Math.round(Math.min(...took))} to ${Math.round(Math.max(...took))} ms; ${requests} connections, at least ${fewest} in a second, answered in ${median.toFixed(1)} ms (median), ${slowest.toFixed(0)} ms (slowest)`,
  );
  for (const note of new Set(ground.notes)) console.log(`  ${note}`);
  const failed = Object.values(failures).reduce((sum, count) => sum + count, 0);
  figures.atMost(`failed connections ${JSON.stringify(failures)} at ${JSON.stringify(failedAt)} s`, {
    value: failed,
    most: 0,
  });
  figures.atMost('hand-overs that left a worker', { value: same, most: 0 });
}

const figures = new Figures();
const folder = mkdtempSync(join(tmpdir(), 'kapal-bench-'));
chmodSync(folder, 0o755);
try {
  await measure(figures, folder);
} finally {
  rmSync(folder, { recursive: true, force: true });
}
process.exitCode = figures.reached ? 0 : 1;
