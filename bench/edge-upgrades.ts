import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { Agent, request } from 'node:http';
import { request as requestSecurely } from 'node:https';
import { commented, writeVersion } from '../test/integration/edge-version.ts';
import { type Install, processesOf } from '../test/e2e/install.ts';
import { type TestKapal, until } from '../test/e2e/kapal.ts';
import { startArrivals } from './edge/arrivals.ts';
import { startBackends } from './edge/peers.ts';
import { onStage } from './stage.ts';

/**
 * Kapal is upgraded again and again (`kapal down`, then `kapal up` of another version, whose engine differs) while visitors arrive at a steady pace, each on a
 * connection of its own, others over TLS, and others on connections that stay open. Upstreams are two nginx of the bench.
 *
 *   scripts/node24 bench/edge-upgrades.ts [nginx|embedded] [UPGRADES] [CONNECTIONS A SECOND] [SECONDS]
 *
 * No upgrade begins after so many SECONDS (600): it says how many there were.
 *
 * Figures: no connection refused, reset or left without its answer, over plain HTTP and TLS. Requests on kept connections that the edge closes while they are
 * on their way are counted beside: HTTP/1.1 leaves them to the client to repeat.
 */
const engine = process.argv[2] ?? 'nginx';
const upgrades = Number(process.argv[3] ?? 20);
const rate = Number(process.argv[4] ?? (engine === 'nginx' ? 2_000 : 300));
const seconds = Number(process.argv[5] ?? 600);
const secureRate = engine === 'nginx' ? 50 : 20;
const host = 'shop.localhost';

/** Twenty visitors, each on one connection as long as it lasts, asking ten times a second. */
class Regulars {
  requests = 0;
  readonly failures: string[] = [];
  readonly #walks: Promise<void>[];
  #over = false;

  constructor(port: number) {
    this.#walks = Array.from({ length: 20 }, () => this.#walk(port));
  }

  async stop(): Promise<void> {
    this.#over = true;
    await Promise.all(this.#walks);
  }

  async #walk(port: number): Promise<void> {
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    while (!this.#over) {
      this.requests += 1;
      await ask(port, agent).catch((error: unknown) => this.failures.push(String(error)));
      await pause(100);
    }
    agent.destroy();
  }
}

function ask(port: number, agent: Agent | false): Promise<void> {
  return new Promise((resolve, reject) => {
    const asked = request({ host: '127.0.0.1', port, headers: { host }, agent, timeout: 20_000 }, (response) => {
      response.resume();
      response.once('error', reject);
      response.once('end', () =>
        response.statusCode === 200 ? resolve() : reject(new Error(`status ${response.statusCode}`)),
      );
    });
    asked.once('timeout', () => asked.destroy(new Error('no answer')));
    asked.once('error', reject);
    asked.end();
  });
}

function securelyAnswers(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const options = { host: '127.0.0.1', port, servername: host, headers: { host }, rejectUnauthorized: false };
    const asked = requestSecurely({ ...options, agent: false }, (response) => {
      response.resume();
      resolve(response.statusCode === 200);
    });
    asked.once('error', () => resolve(false));
    asked.end();
  });
}

/** Of everything public that serves: what changes with each upgrade. */
function workersOf(kapal: Install): string {
  const edge = processesOf(kapal).filter(
    ({ role, command }) => role === 'edge' && !/master process|keeper\.sh|shutting/.test(command),
  );
  return edge
    .map(({ pid }) => pid)
    .toSorted((a, b) => a - b)
    .join(' ');
}

await onStage(async (kapal: TestKapal, figures) => {
  const folder = join(kapal.folder, 'peers');
  await mkdir(folder, { mode: 0o755 });
  const versions = ['one', 'two'].map((word) => join(kapal.folder, `kapal-${word}`));
  for (const [index, path] of versions.entries()) writeVersion(path, commented(`version ${index}`));
  await using backends = await startBackends({ folder, proxyCore: 0, otherCore: 1 });
  kapal.edge = engine === 'nginx' ? 'nginx' : 'embedded';
  await kapal.up();
  const upstreams = backends.ports.map((port) => `{address: "127.0.0.1:${port}"}`).join(', ');
  await kapal.deploy(
    await kapal.project('shop', {
      'kapal.yaml': `project: shop\nservices: [{type: proxy, name: shop, upstreams: [${upstreams}]}]\n`,
    }),
  );
  await until('it answers', () =>
    ask(kapal.http, false).then(
      () => true,
      () => false,
    ),
  );
  await until('and over TLS', () => securelyAnswers(kapal.https));

  await using plain = startArrivals({ port: kapal.http, host, rate, tls: false });
  await using secure = startArrivals({ port: kapal.https, host, rate: secureRate, tls: true });
  const regulars = new Regulars(kapal.http);
  await pause(2_000);
  let same = 0;
  const times: number[] = [];
  const end = performance.now() + seconds * 1000;
  for (let upgrade = 0; upgrade < upgrades && performance.now() < end; upgrade += 1) {
    const before = workersOf(kapal);
    const begun = performance.now();
    await kapal.run('down');
    await kapal.killDaemon();
    kapal.version = versions[upgrade % 2] ?? '';
    await kapal.up();
    times.push(performance.now() - begun);
    if (workersOf(kapal) === before) same += 1;
    await pause(500);
  }
  await regulars.stop();
  const [first, second] = [await plain.stop(), await secure.stop()];
  console.log(
    `${engine}: ${times.length} upgrades, each ${Math.round(Math.min(...times))} to ${Math.round(Math.max(...times))} ms from down to ready`,
  );
  for (const [name, arrived] of [
    ['plain HTTP', first],
    ['TLS', second],
  ] as const)
    console.log(
      `${name}: ${arrived.requests} connections, at least ${arrived.fewest} a second, answered in ${arrived.median.toFixed(1)} ms (median), ${arrived.slowest.toFixed(0)} ms (slowest)`,
    );
  const failed = (failures: Readonly<Record<string, number>>): number =>
    Object.values(failures).reduce((sum, count) => sum + count, 0);
  figures.atMost('upgrades that changed no worker', { value: same, most: 0 });
  figures.atMost(`failed connections ${JSON.stringify(first.failures)} at ${JSON.stringify(first.failedAt)} s`, {
    value: failed(first.failures),
    most: 0,
  });
  figures.atMost(`failed connections over TLS ${JSON.stringify(second.failures)}`, {
    value: failed(second.failures),
    most: 0,
  });
  console.log(
    `kept connections: ${regulars.requests} requests, ${regulars.failures.length} met a connection that was being closed ${JSON.stringify(regulars.failures.slice(0, 5))}`,
  );
});
