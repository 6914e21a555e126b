import { Agent, get, request } from 'node:http';
import type { TestKapal } from '../test/e2e/kapal.ts';
import { until } from '../test/e2e/kapal.ts';
import { onStage } from './stage.ts';

/**
 * One of four replicas is stopped with SIGSTOP for ten seconds under 400 requests a second (one in ten a POST), then continued: the case in which nginx
 * as tutorials set it up fails half of all requests, since a stopped process still accepts connections.
 *
 *   scripts/node24 bench/edge-hang.ts [embedded|nginx]
 *
 * Figures: at most 5 failed requests, no new request to the stopped replica 3 s after the stop, used again within 3 s of SIGCONT.
 */
const engine = process.argv[2] ?? 'nginx';
const visitors = 40;
const pace = 100;
const stopped = 10_000;
const patience = 3_000;

const app = `const http = require('node:http');
const seen = [];
http.createServer((request, response) => {
  const { pathname, searchParams } = new URL(request.url, 'http://app');
  if (pathname === '/seen') return response.end(JSON.stringify(seen));
  if (pathname === '/') seen.push(Number(searchParams.get('at')));
  request.resume().on('end', () => response.end(process.env.KAPAL_INSTANCE));
}).listen(process.env.PORT, process.env.HOST);
`;

const declaration = `services:
  - type: web
    name: shop
    runtime: node
    buildCommand: ""
    startCommand: node app.js
    healthCheckPath: /healthz
    numInstances: 4
`;

/** Visitors on kept connections, each asking again some time after its answer; a request without an answer in 20 s has failed. */
class Crowd implements AsyncDisposable {
  readonly answeredBy = new Map<string, number>();
  readonly #kapal: TestKapal;
  readonly #agent = new Agent({ keepAlive: true });
  readonly #failures: string[] = [];
  readonly #walks: Promise<void>[];
  #requests = 0;
  #over = false;

  constructor(kapal: TestKapal) {
    this.#kapal = kapal;
    this.#walks = Array.from({ length: visitors }, (_, index) => this.#walk(index));
  }

  pause(milliseconds = 20): Promise<void> {
    return new Promise((resolve) => setTimeout(resolve, milliseconds));
  }

  async stop(): Promise<{ requests: number; failures: readonly string[] }> {
    this.#over = true;
    await Promise.all(this.#walks);
    this.#agent.destroy();
    return { requests: this.#requests, failures: this.#failures };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }

  async #walk(index: number): Promise<void> {
    for (let number = index; !this.#over; number += 1) {
      this.#requests += 1;
      const method = number % 10 === 0 ? 'POST' : 'GET';
      try {
        const by = await this.#ask(method);
        this.answeredBy.set(by, (this.answeredBy.get(by) ?? 0) + 1);
      } catch (error) {
        this.#failures.push(`${method} ${error instanceof Error ? error.message : String(error)}`);
      }
      await this.pause(pace);
    }
  }

  #ask(method: string): Promise<string> {
    return new Promise((resolve, reject) => {
      const asked = request(
        {
          host: '127.0.0.1',
          port: this.#kapal.http,
          path: `/?at=${Date.now()}`,
          method,
          agent: this.#agent,
          headers: { host: 'shop.localhost' },
          timeout: 20_000,
        },
        (response) => {
          let text = '';
          response.setEncoding('utf8');
          response.on('data', (part: string) => (text += part));
          response.on('error', reject);
          response.on('end', () =>
            response.statusCode === 200 ? resolve(text) : reject(new Error(String(response.statusCode))),
          );
        },
      );
      asked.on('timeout', () => asked.destroy(new Error('no answer within 20 s')));
      asked.on('error', reject);
      asked.end(method === 'POST' ? 'x' : undefined);
    });
  }
}

/** When the requests that reached the replica were sent, in milliseconds since the epoch. */
function seenBy(address: string): Promise<readonly number[]> {
  return new Promise((resolve, reject) => {
    get(`http://${address}/seen`, { agent: false }, (response) => {
      let text = '';
      response.setEncoding('utf8');
      response.on('data', (part: string) => (text += part));
      response.on('error', reject);
      response.on('end', () => resolve(JSON.parse(text) as number[]));
    }).on('error', reject);
  });
}

await onStage(async (kapal, figures) => {
  await kapal.up(['--edge', engine]);
  await kapal.deploy(await kapal.project('shop', { 'app.js': app, 'package.json': '{}', 'kapal.yaml': declaration }));
  await using crowd = new Crowd(kapal);
  await until('all four answer', async () => (await crowd.pause(), crowd.answeredBy.size === 4));

  const victim = (await kapal.service('shop')).instances[1];
  if (victim === undefined || victim.pid === null || victim.address === null)
    throw new Error('there is no second replica');
  const begun = Date.now();
  process.kill(-victim.pid, 'SIGSTOP');
  try {
    await crowd.pause(stopped);
  } finally {
    process.kill(-victim.pid, 'SIGCONT');
  }
  const continued = Date.now();
  crowd.answeredBy.clear();
  await until('the replica answers again', async () => (await crowd.pause(), crowd.answeredBy.has(victim.id)), 30);
  const back = Date.now() - continued;
  const { requests, failures } = await crowd.stop();
  const late = (await seenBy(victim.address)).filter((at) => at > begun + patience && at < continued);

  console.log(`${engine}: ${requests} requests, ${failures.length} failed ${JSON.stringify(failures.slice(0, 10))}`);
  figures.atMost('failed requests', { value: failures.length, most: 5 });
  figures.atMost('new requests to the stopped replica after 3 s', { value: late.length, most: 0 });
  figures.atMost('milliseconds from SIGCONT to its first answer', { value: back, most: 3_000 });
  const after = (await kapal.service('shop')).instances.find(({ id }) => id === victim.id);
  figures.holds(`restarts of the replica: ${after?.restarts}`, { wanted: '0', is: after?.restarts === 0 });
});
