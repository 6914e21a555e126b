/**
 * Both engines of the edge beside static nginx tuned by hand, nginx as tutorials set it up, HAProxy and Caddy: a small JSON through a proxy from two
 * backends over TCP. The nginx that Kapal's is held against does the same for a site: the same fields to the app, an id for each request, and a
 * line of JSON in the log; one that does only what most sites do stands beside it.
 *
 *   scripts/node24 bench/edge.ts [--rounds 5] [--seconds 4] [--connections 64] [--tls keep-alive|handshake] [--json]
 *
 * Needs nginx with its Lua module, HAProxy, Caddy, wrk and taskset. Exits 1 where a figure is missed, or any request failed.
 */
import { execFileSync } from 'node:child_process';
import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { startEmbedded, startNginxEngine } from './edge/contestants.ts';
import { median, type Round } from './edge/measure.ts';
import type { Transport } from './edge/contest.ts';
import { startCaddy, startHaproxy, startTunedNginx, startTutorialNginx } from './edge/peers.ts';
import { type Entry, interleave, ratio, type Start } from './edge/rounds.ts';

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '5' },
    seconds: { type: 'string', default: '4' },
    connections: { type: 'string', default: '64' },
    tls: { type: 'string' },
    json: { type: 'boolean', default: false },
  },
});
if (availableParallelism() < 2) throw new Error('two cores are needed: one for the proxy, one for the load');
if (values.tls !== undefined && values.tls !== 'keep-alive' && values.tls !== 'handshake')
  throw new Error('--tls is keep-alive or handshake');

const throughput = (round: Round): number => round.requestsPerSecond;
const cpu = (round: Round): number => round.cpuPerRequest;

const folder = mkdtempSync(join(tmpdir(), 'kapal-bench-tls-'));
chmodSync(folder, 0o755);
try {
  const transport = values.tls === undefined ? null : makeCertificate();
  const entries = await interleave(contestants(transport), Number(values.rounds), {
    connections: Number(values.connections),
    seconds: Number(values.seconds),
    tls: transport !== null,
    fresh: values.tls === 'handshake',
  });
  report(entries, transport !== null);
} finally {
  rmSync(folder, { recursive: true, force: true });
}

function contestants(transport: Transport | null): Start[] {
  const engines: Start[] = [
    (ground, backends) => startTunedNginx(ground, backends, { transport, kind: 'same' }),
    (ground, backends) => startNginxEngine(ground, backends, transport),
    (ground, backends) => startEmbedded(ground, backends, transport),
  ];
  const bare: Start = (ground, backends) => startTunedNginx(ground, backends, { transport, kind: 'usual' });
  if (transport !== null) return [...engines, bare];
  const tutorial: Start = (ground, backends) => startTutorialNginx(ground, backends, true);
  return [...engines, bare, tutorial, startHaproxy, startCaddy];
}

function makeCertificate(): Transport {
  const certificate = join(folder, 'chain.pem');
  const key = join(folder, 'key.pem');
  const subject = ['-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost'];
  const curve = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];
  const files = ['-keyout', key, '-out', certificate];
  execFileSync('openssl', ['req', '-x509', '-days', '2', ...curve, ...subject, ...files], { stdio: 'ignore' });
  return { certificate, key };
}

interface Figure {
  readonly what: string;
  readonly value: number;
  readonly bound: string | null;
  readonly reached: boolean;
}

function figuresOf(entries: readonly Entry[], tls: boolean): Figure[] {
  const [tuned, nginx, embedded, bare, tutorial] = entries as readonly [Entry, Entry, Entry, Entry, Entry | undefined];
  const cost = ratio(nginx, tuned, cpu);
  const beside = [
    told('nginx engine / tuned nginx without those fields and that log, throughput', ratio(nginx, bare, throughput)),
    told('nginx engine / tuned nginx without those fields and that log, CPU per request', ratio(nginx, bare, cpu)),
  ];
  if (tls || tutorial === undefined)
    return [atMost('nginx engine / tuned nginx, CPU per request', cost, 1.15), ...beside];
  return [
    atLeast('nginx engine / tuned nginx, throughput', ratio(nginx, tuned, throughput), 0.85),
    atMost('nginx engine / tuned nginx, CPU per request', cost, 1.25),
    ...beside,
    atLeast('embedded engine / tutorial nginx, throughput', ratio(embedded, tutorial, throughput), 1.2),
  ];
}

function atLeast(what: string, value: number, bound: number): Figure {
  return { what, value, bound: `at least ${bound}`, reached: value >= bound };
}

function atMost(what: string, value: number, bound: number): Figure {
  return { what, value, bound: `at most ${bound}`, reached: value <= bound };
}

/** A figure that nothing was promised of. */
function told(what: string, value: number): Figure {
  return { what, value, bound: null, reached: true };
}

function report(entries: readonly Entry[], tls: boolean): void {
  const rows = entries.map((entry) => ({
    name: entry.name,
    requestsPerSecond: Math.round(median(entry.rounds.map(throughput))),
    cpuMicrosecondsPerRequest: Number(median(entry.rounds.map(cpu)).toFixed(1)),
    throughputToTuned: Number(ratio(entry, entries[0] ?? entry, throughput).toFixed(2)),
    cpuToTuned: Number(ratio(entry, entries[0] ?? entry, cpu).toFixed(2)),
    failures: entry.rounds.reduce((sum, round) => sum + round.failures, 0),
    residentMegabytes: Math.round(Math.max(...entry.rounds.map((round) => round.residentBytes)) / 2 ** 20),
  }));
  const figures = figuresOf(entries, tls);
  if (values.json) console.log(JSON.stringify({ rows, figures }));
  else print(rows, figures);
  if (rows.some(({ failures }) => failures > 0) || figures.some(({ reached }) => !reached)) process.exitCode = 1;
}

function print(rows: readonly Readonly<Record<string, string | number>>[], figures: readonly Figure[]): void {
  const what = values.tls === undefined ? 'plain HTTP' : `TLS, ${values.tls}`;
  console.log(
    `${what}, ${values.connections} connections, ${values.rounds} interleaved rounds of ${values.seconds} s, medians\n`,
  );
  const line = (cells: readonly string[]): void =>
    console.log(cells.map((cell, i) => (i === 0 ? cell.padEnd(34) : cell.padStart(15))).join(''));
  line(['', 'requests/s', 'CPU us/request', 'x tuned', 'x tuned, CPU', 'failures', 'resident MB']);
  for (const row of rows) line(Object.values(row).map(String));
  console.log('');
  for (const { what: name, value, bound, reached } of figures)
    console.log(
      bound === null
        ? `         ${name}: ${value.toFixed(2)}`
        : `${reached ? 'reached' : 'MISSED '}  ${name}: ${value.toFixed(2)} (${bound})`,
    );
}
