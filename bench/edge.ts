/**
 * The embedded edge beside nginx as tutorials set it up, on the same work: a small JSON through a proxy from two backends.
 *
 *   scripts/node24 bench/edge.ts [--rounds 5] [--seconds 4] [--connections 64] [--json]
 *
 * Rounds are interleaved, so that what else the machine does hits all alike; figures are medians over the rounds. The proxy under
 * measurement has core 0 for itself, load generator and backends share core 1. Needs nginx, wrk and taskset. Exits 1 where the edge
 * is slower than nginx with its access log, or any request failed.
 */
import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { type Contestant, type Ground, startBackends, startEmbedded, startTutorialNginx } from './edge/contestants.ts';
import { type Load, measure, median, type Round } from './edge/measure.ts';

interface Row {
  readonly name: string;
  readonly requestsPerSecond: number;
  readonly cpuMicrosecondsPerRequest: number;
  readonly failures: number;
  readonly residentMegabytes: number;
}

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '5' },
    seconds: { type: 'string', default: '4' },
    connections: { type: 'string', default: '64' },
    json: { type: 'boolean', default: false },
  },
});
if (availableParallelism() < 2) throw new Error('two cores are needed: one for the proxy, one for the load');

const rows = await compare(Number(values.rounds), {
  connections: Number(values.connections),
  seconds: Number(values.seconds),
});
const [edge, ...others] = rows as [Row, ...Row[]];
const ratios = others.map((other) => ({
  against: other.name,
  throughput: edge.requestsPerSecond / other.requestsPerSecond,
  cpu: other.cpuMicrosecondsPerRequest / edge.cpuMicrosecondsPerRequest,
}));
if (values.json) console.log(JSON.stringify({ rows, ratios }));
else print();
if (rows.some(({ failures }) => failures > 0) || (ratios[0]?.throughput ?? 0) < 1) process.exitCode = 1;

async function compare(rounds: number, load: Load): Promise<Row[]> {
  const folder = await mkdtemp(join(tmpdir(), 'kapal-bench-'));
  await chmod(folder, 0o755);
  const ground: Ground = { folder, proxyCore: 0, otherCore: 1 };
  try {
    await using backends = await startBackends(ground);
    await using embedded = await startEmbedded(ground, backends.ports);
    await using logging = await startTutorialNginx(ground, backends.ports, true);
    await using silent = await startTutorialNginx(ground, backends.ports, false);
    const contestants: Contestant[] = [embedded, logging, silent];
    const measured = new Map<Contestant, Round[]>(contestants.map((contestant) => [contestant, []]));
    for (const contestant of contestants) await measure(contestant, ground, { ...load, seconds: 1 });
    for (let round = 0; round < rounds; round += 1) {
      for (const [contestant, list] of measured) list.push(await measure(contestant, ground, load));
    }
    return [...measured].map(([{ name }, list]) => rowOf(name, list));
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

function rowOf(name: string, rounds: readonly Round[]): Row {
  return {
    name,
    requestsPerSecond: Math.round(median(rounds.map((round) => round.requestsPerSecond))),
    cpuMicrosecondsPerRequest: Number(median(rounds.map((round) => round.cpuPerRequest)).toFixed(1)),
    failures: rounds.reduce((sum, round) => sum + round.failures, 0),
    residentMegabytes: Math.round(Math.max(...rounds.map((round) => round.residentBytes)) / 2 ** 20),
  };
}

function print(): void {
  console.log(
    `${values.connections} connections, ${values.rounds} interleaved rounds of ${values.seconds} s, medians\n`,
  );
  const line = (cells: readonly string[]): void =>
    console.log(cells.map((cell, i) => (i === 0 ? cell.padEnd(32) : cell.padStart(14))).join(''));
  line(['', 'requests/s', 'CPU us/request', 'failures', 'resident MB']);
  for (const row of rows) {
    const numbers = [row.requestsPerSecond, row.cpuMicrosecondsPerRequest, row.failures, row.residentMegabytes];
    line([row.name, ...numbers.map(String)]);
  }
  console.log('');
  for (const { against, throughput, cpu } of ratios) {
    console.log(`embedded edge / ${against}: throughput ${throughput.toFixed(2)}, CPU economy ${cpu.toFixed(2)}`);
  }
}
