/**
 * What a change of one route costs the nginx engine at 10, 1,000 and 5,000 domains, each with a pool of its own and a certificate, and the memory of
 * its workers then. Between two changes every domain was asked for once, so that the workers hold all of it.
 *
 *   scripts/node24 bench/edge-changes.ts
 */
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { Agent, request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { EdgeCertificate } from '../src/edge/certificate.ts';
import { createNginxEdge } from '../src/edge/nginx/driver.ts';
import type { ProxyPool } from '../src/edge/pool.ts';
import type { Edge, RouteTable } from '../src/edge/port.ts';
import { systemClock } from '../src/lib/clock.ts';
import { startBackends } from './edge/peers.ts';
import { childrenOf, residentBytes } from './edge/processes.ts';
import { freePort } from '../test/free-port.ts';
import { Figures, median } from './figures.ts';

const changes = 20;
const mostMilliseconds = 20;
const mostMegabytes = 130;

const figures = new Figures();
for (const domains of [10, 1_000, 5_000]) await measure(domains);
process.exitCode = figures.reached ? 0 : 1;

async function measure(domains: number): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'kapal-bench-'));
  await chmod(folder, 0o755);
  const ports = { http: await freePort(), https: await freePort() };
  const edge = createNginxEdge({
    folder: join(folder, 'edge'),
    http: { host: '127.0.0.1', port: ports.http },
    https: { host: '127.0.0.1', port: ports.https },
    workers: 2,
    account: null,
    clock: systemClock,
  });
  try {
    await using backends = await startBackends({ folder, proxyCore: 0, otherCore: 1 });
    const { workers } = await edge.ensure();
    const first = workers[0]?.pid;
    if (first === undefined) throw new Error('nginx has no worker');
    await edge.present(certificatesOf(domains, folder));
    await edge.apply(tableOf(1, domains, backends.ports));
    await askAll(ports.http, domains);
    const costs = await change({ edge, domains, backends: backends.ports, processes: processesOf(first) });
    await askAll(ports.http, domains);
    const megabytes = Math.max(...childrenOf(parentOf(first)).map(residentBytes)) / 2 ** 20;
    console.log(
      `${domains} domains: ${median(costs).toFixed(2)} ms of CPU a change (most ${Math.max(...costs).toFixed(2)}), ${megabytes.toFixed(0)} MB a worker`,
    );
    figures.atMost(`CPU of a change at ${domains} domains`, {
      value: median(costs),
      most: mostMilliseconds,
      unit: ' ms',
    });
    if (domains === 5_000)
      figures.atMost('memory of a worker at 5000 domains', { value: megabytes, most: mostMegabytes, unit: ' MB' });
    figures.holds(
      `workers after ${changes} changes: ${childrenOf(parentOf(first)).includes(first) ? 'the same' : 'others'}`,
      {
        wanted: 'the same: nothing was reloaded',
        is: childrenOf(parentOf(first)).includes(first),
      },
    );
  } finally {
    await edge.stop(0);
    await rm(folder, { recursive: true, force: true });
  }
}

/** Milliseconds of CPU, master and workers together, of each change: it takes one endpoint out of one pool, or brings it back. */
async function change(options: {
  readonly edge: Edge;
  readonly domains: number;
  readonly backends: readonly number[];
  readonly processes: readonly number[];
}): Promise<number[]> {
  const { edge, domains, backends, processes } = options;
  const costs: number[] = [];
  for (let number = 0; number < changes; number += 1) {
    const table = tableOf(number + 2, domains, backends);
    const [pool, ...others] = table.pools as readonly ProxyPool[];
    if (pool === undefined) throw new Error('there is no pool');
    const changed = { ...pool, endpoints: number % 2 === 0 ? pool.endpoints.slice(1) : pool.endpoints };
    const before = cpuOf(processes);
    await edge.apply({ ...table, pools: [changed, ...others] });
    costs.push(cpuOf(processes) - before);
  }
  return costs;
}

function tableOf(version: number, domains: number, backends: readonly number[]): RouteTable {
  const numbers = Array.from({ length: domains }, (_, index) => index);
  return {
    version,
    routes: numbers.map((number) => ({ host: hostOf(number), path: '/', pool: `p${number}` })),
    pools: numbers.map((number) => ({
      kind: 'proxy',
      id: `p${number}`,
      service: `p${number}`,
      balance: 'round-robin',
      endpoints: backends.map((port) => ({ id: `e${number}-${port}`, host: '127.0.0.1', port, weight: 1 })),
      maxBodySize: 1 << 20,
      responseTimeout: 60_000,
      idleTimeout: null,
      rewriteHost: false,
    })),
    streams: [],
  };
}

function hostOf(number: number): string {
  return `site${number}.example.test`;
}

/** One key serves all: what a worker holds does not depend on whose it is. */
function certificatesOf(domains: number, folder: string): EdgeCertificate[] {
  const [chainPath, keyPath] = [join(folder, 'chain.pem'), join(folder, 'key.pem')];
  const curve = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];
  const files = ['-keyout', keyPath, '-out', chainPath];
  execFileSync('openssl', ['req', '-x509', '-days', '2', ...curve, '-subj', '/CN=bench', ...files], {
    stdio: 'ignore',
  });
  const [chain, key] = [readFileSync(chainPath, 'utf8'), readFileSync(keyPath, 'utf8')];
  return Array.from({ length: domains }, (_, number) => ({
    id: number.toString(16).padStart(32, '0'),
    names: [hostOf(number)],
    chain,
    key,
  }));
}

async function askAll(port: number, domains: number): Promise<void> {
  const agent = new Agent({ keepAlive: true, maxSockets: 16 });
  const numbers = Array.from({ length: domains }, (_, index) => index).values();
  await Promise.all(
    Array.from({ length: 16 }, async () => {
      for (const number of numbers) await ask(port, hostOf(number), agent);
    }),
  );
  agent.destroy();
}

function ask(port: number, host: string, agent: Agent): Promise<void> {
  return new Promise((resolve, reject) => {
    const asked = request({ host: '127.0.0.1', port, headers: { host }, agent }, (response) => {
      response.resume();
      response.on('end', () =>
        response.statusCode === 200 ? resolve() : reject(new Error(`${host} answered ${response.statusCode}`)),
      );
    });
    asked.on('error', reject);
    asked.end();
  });
}

function parentOf(pid: number): number {
  return Number(/^PPid:\s+(\d+)$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]);
}

function processesOf(worker: number): number[] {
  const master = parentOf(worker);
  return [master, ...childrenOf(master)];
}

/** Milliseconds on a processor so far (the first field of /proc/PID/schedstat, in nanoseconds). */
function cpuOf(pids: readonly number[]): number {
  return pids.reduce((sum, pid) => sum + Number(readFileSync(`/proc/${pid}/schedstat`, 'utf8').split(' ')[0]) / 1e6, 0);
}
