import { execFileSync, spawn } from 'node:child_process';
import { join } from 'node:path';
import { LoadGenerator, type LoadCount, type PlannedRequest } from '../src/cli/demo/load.ts';
import type { TestKapal } from '../test/e2e/kapal.ts';
import { freePort } from '../test/free-port.ts';
import { TlsVisitors } from './edge/tls-visitors.ts';
import type { Figures } from './figures.ts';
import { onStage } from './stage.ts';

/**
 * A minute of what production does: 1,000 requests/s (half of them on kept connections, half on one each; GET, POST, uploads of 1 MiB, answers that take
 * 10 s) while 20 deploys, 5 scale-ups, 5 scale-downs, 20 additions of a domain and 5 changes of a certificate go on.
 *
 *   scripts/node24 bench/edge-mixed.ts [embedded|nginx] [requests a second, 1000]
 *
 * Figures: no failed request, no reload. The share of requests over 250 ms stands beside that of a control run, in which as many processes are started
 * at the same pace, but outside of Kapal.
 */
const engine = process.argv[2] ?? 'nginx';
const rate = Number(process.argv[3] ?? 1_000);
const minute = 60_000;
const controlTime = 30_000;
const deploys = 20;

const app = `const http = require('node:http');
http.createServer((request, response) => {
  let bytes = 0;
  request.on('data', (part) => (bytes += part.length));
  request.on('end', () => setTimeout(() => {
    response.setHeader('content-type', 'application/json');
    response.end(JSON.stringify({ instance: process.env.KAPAL_INSTANCE, bytes }));
  }, request.url === '/slow' ? 10_000 : 0));
}).listen(process.env.PORT, process.env.HOST);
`;

const declaration = `services:
  - type: web
    name: shop
    runtime: node
    buildCommand: ""
    startCommand: node app.js
    healthCheckPath: /healthz
    numInstances: 2
`;

await onStage(async (kapal, figures) => {
  await kapal.up(['--edge', engine]);
  const files = { 'app.js': app, 'package.json': '{}', 'kapal.yaml': declaration };
  await kapal.deploy(await kapal.project('shop', files));
  certify(kapal, 0);
  await done(kapal, 'domain', 'add', 'shop', 'tls.example.test', ...certificate(kapal));
  const before = reloads(kapal);

  const control = await controlRun(kapal, files['app.js']);
  console.log(`control: ${summary(control)}`);

  await using tls = new TlsVisitors(kapal.https, 'tls.example.test');
  await using load = loadOn(kapal);
  const begun = performance.now();
  await Promise.all([
    spread(deploys, async (number) => {
      const changed = { ...files, 'package.json': JSON.stringify({ version: `${number + 1}.0.0` }) };
      const [service] = (await kapal.deploy(await kapal.project('shop', changed))).services;
      if (service?.outcome !== 'live') throw new Error(`deploy ${number} ended ${service?.outcome}`);
    }),
    spread(10, (number) => done(kapal, 'scale', `shop=${number % 2 === 0 ? 3 : 2}`)),
    spread(20, (number) => done(kapal, 'domain', 'add', 'shop', `d${number}.example.test`)),
    spread(5, async (number) => {
      certify(kapal, number + 1);
      await done(kapal, 'domain', 'add', 'shop', 'tls.example.test', ...certificate(kapal));
    }),
  ]);
  const left = minute - (performance.now() - begun);
  if (left > 0) await new Promise((resolve) => setTimeout(resolve, left));
  const count = await load.stop();
  console.log(`${engine}, ${Math.round((performance.now() - begun) / 1000)} s: ${summary(count)}`);
  judge(figures, { count, control, tls: await tls.stop(), reloaded: reloads(kapal) - before });
});

function judge(
  figures: Figures,
  seen: {
    readonly count: LoadCount;
    readonly control: LoadCount;
    readonly tls: Awaited<ReturnType<TlsVisitors['stop']>>;
    readonly reloaded: number;
  },
): void {
  const { count, control, tls, reloaded } = seen;
  figures.atMost(`${engine}: failed requests of ${count.requests}`, { value: count.failed, most: 0 });
  figures.atMost(`${engine}: failed requests over TLS of ${tls.requests}`, { value: tls.failures.length, most: 0 });
  figures.holds(`${engine}: certificates seen: ${tls.certificates}`, { wanted: '6', is: tls.certificates === 6 });
  figures.atMost(`${engine}: reloads`, { value: reloaded, most: 0 });
  const share = (of: LoadCount): string => `${((100 * of.slow) / of.requests).toFixed(2)}%`;
  console.log(`requests over 250 ms: ${share(count)}, in the control run ${share(control)}`);
}

function loadOn(kapal: TestKapal): LoadGenerator {
  return new LoadGenerator(
    {
      host: '127.0.0.1',
      port: kapal.http,
      hostHeader: 'shop.localhost',
      rate,
      timeout: 30_000,
      requests: Array.from({ length: 200 }, (_, index) => planned(index)),
      answerKey: 'instance',
    },
    process.execPath,
  );
}

/** Of 200 requests three are uploads, one takes its time, and of the others two in seven are POSTs. */
function planned(index: number): PlannedRequest {
  if (index === 100) return { method: 'GET', path: '/slow', unhurried: true };
  if (index % 67 === 33) return { method: 'POST', path: '/upload', bytes: 1 << 20, unhurried: true };
  if (index % 7 < 2) return { method: 'POST', path: '/', body: JSON.stringify({ order: 7, items: ['kopi', 'teh'] }) };
  return { method: 'GET', path: '/' };
}

/** The load alone, while processes of the same kind come and go beside it as often as deploys and scaling make them. */
async function controlRun(kapal: TestKapal, source: string): Promise<LoadCount> {
  const folder = await kapal.project('control', { 'app.js': source });
  await using load = loadOn(kapal);
  const begun = performance.now();
  while (performance.now() - begun < controlTime) {
    const port = await freePort();
    const beside = spawn(process.execPath, [join(folder, 'app.js')], {
      env: { ...process.env, PORT: String(port), HOST: '127.0.0.1' },
      stdio: 'ignore',
    });
    await new Promise((resolve) => setTimeout(resolve, minute / (2 * deploys + 5)));
    beside.kill('SIGKILL');
  }
  return await load.stop();
}

/** So many times over most of the minute, one after the other. */
async function spread(times: number, act: (number: number) => Promise<unknown>): Promise<void> {
  const begun = performance.now();
  for (let number = 0; number < times; number += 1) {
    const due = begun + (number * minute * 0.9) / times;
    await new Promise((resolve) => setTimeout(resolve, Math.max(0, due - performance.now())));
    await act(number);
  }
}

async function done(kapal: TestKapal, ...args: readonly string[]): Promise<void> {
  const { code, stderr } = await kapal.run(...args);
  if (code !== 0) throw new Error(`kapal ${args.join(' ')} exited ${code}: ${stderr}`);
}

function certificate(kapal: TestKapal): string[] {
  return ['--certificate', join(kapal.folder, 'chain.pem'), '--key', join(kapal.folder, 'key.pem')];
}

/** Writes another certificate for the name, with the number as its serial. */
function certify(kapal: TestKapal, number: number): void {
  const [flag, chain, keyFlag, key] = certificate(kapal);
  const curve = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];
  const subject = ['-subj', '/CN=tls.example.test', '-addext', 'subjectAltName=DNS:tls.example.test'];
  if (flag === undefined || chain === undefined || keyFlag === undefined || key === undefined) return;
  const files = ['-keyout', key, '-out', chain];
  execFileSync(
    'openssl',
    ['req', '-x509', '-days', '30', '-set_serial', String(number + 1), ...curve, ...subject, ...files],
    {
      stdio: 'ignore',
    },
  );
}

/** How often nginx says that it read its configuration again. */
function reloads(kapal: TestKapal): number {
  try {
    const found = execFileSync('grep', ['-rhcs', 'reconfiguring', join(kapal.data, 'edge-nginx', 'log')], {
      encoding: 'utf8',
    });
    return found.split('\n').reduce((sum, line) => sum + Number(line), 0);
  } catch {
    // grep exits with 1 where no line matches, and with 2 where there is no such folder: the embedded engine.
    return 0;
  }
}

function summary({ requests, failed, slow, failures }: LoadCount): string {
  return `${requests} requests, ${failed} failed, ${slow} over 250 ms${failed === 0 ? '' : ` ${JSON.stringify(failures)}`}`;
}
