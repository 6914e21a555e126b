import assert from 'node:assert/strict';
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { connect } from 'node:net';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { promisify } from 'node:util';
import type { LogDocument } from '../../src/api/contract/types.ts';
import { freePort } from '../free-port.ts';
import { checkout, TestKapal, until } from './kapal.ts';

const json = (value: unknown): string => JSON.stringify(value, null, 2);

/** Applications as people have them, deployed as they are. */
describe('an application as people have it', () => {
  let kapal: TestKapal;
  before(async () => {
    kapal = await TestKapal.start();
  });
  after(async () => {
    await kapal[Symbol.asyncDispose]();
  });

  test('whose first page is 404 is live by its port; by a health path that is 404 it is not, and the message says so', async () => {
    const server = `require('node:http').createServer((request, response) => {
  const found = request.url === '/api/items';
  response.writeHead(found ? 200 : 404).end(found ? '[]' : 'Cannot GET ' + request.url);
}).listen(process.env.PORT);`;
    await kapal.deploy(await kapal.project('api', { 'server.js': server }));
    assert.equal((await kapal.visit('api.localhost')).status, 404);
    assert.equal((await kapal.visit('api.localhost', '/api/items')).body, '[]');
    const asked = (path: string) => ({
      'server.js': server,
      'kapal.yaml': json({
        services: [
          {
            type: 'web',
            name: 'api',
            runtime: 'node',
            startCommand: 'node server.js',
            healthCheckPath: path,
            startTimeoutSeconds: 1,
          },
        ],
      }),
    });
    const [failed] = (await kapal.deployFailing(await kapal.project('api', asked('/')))).services;
    assert.equal(failed?.error?.code, 'health_failed');
    assert.match(failed.error.message, /not ready within 1 s: \/ answered 404/);
    assert.match(failed.error.hint ?? '', /healthCheckPath/);
    assert.equal((await kapal.visit('api.localhost', '/api/items')).status, 200, 'what served before serves on');
    await kapal.deploy(await kapal.project('api', asked('/api/items')));
  });

  test('that refuses an unknown Host is asked for its health by the name that visitors use', async () => {
    const server = `require('node:http').createServer((request, response) => {
  const known = process.env.ALLOWED_HOSTS.split(',').includes(request.headers.host.split(':')[0]);
  response.writeHead(known ? 200 : 400).end(known ? 'welcome' : 'Bad Request (400)');
}).listen(process.env.PORT);`;
    const declaration = {
      services: [
        {
          type: 'web',
          name: 'strict',
          runtime: 'node',
          startCommand: 'node server.js',
          healthCheckPath: '/',
          envVars: [{ key: 'ALLOWED_HOSTS', value: 'strict.localhost' }],
        },
      ],
    };
    await kapal.deploy(await kapal.project('strict', { 'server.js': server, 'kapal.yaml': json(declaration) }));
    assert.equal((await kapal.visit('strict.localhost')).body, 'welcome');
  });

  test('that prints 25 KB of colours and cursor movements at boot is ready, and its log is for people and for pipes', async () => {
    const server = `const frame = (n) => '\\x1b[2J\\x1b[H\\x1b[?25l\\x1b[38;5;' + n % 256 + 'mframe ' + n + ' \\x1b[1m' + '\\u2588'.repeat(20) + '\\x1b[0m\\x1b]0;title\\x07\\r';
let text = '';
for (let n = 0; text.length < 25_000; n += 1) text += frame(n) + (n % 4 === 3 ? '\\n' : '');
process.stdout.write(text + '\\n\\x1b[32mlistening\\x1b[0m\\n');
require('node:http').createServer((_, response) => response.end('ok')).listen(process.env.PORT);`;
    const [service] = (await kapal.deploy(await kapal.project('banner', { 'server.js': server }))).services;
    assert.equal(service?.outcome, 'live');
    const escape = String.fromCharCode(27);
    const lines = async () => kapal.json<readonly LogDocument[]>(['logs', 'banner', '--lines', '1000']);
    await until('all of it is in the log', async () => (await lines()).some(({ text }) => text.includes('listening')));
    const stored = (await lines()).filter(({ kind }) => kind === 'app').map(({ text }) => text);
    assert.ok(stored.join('\n').length > 25_000, 'nothing is lost');
    assert.ok(stored.at(-1)?.includes(`${escape}[32mlistening`), 'a program gets it as it was written');

    const piped = (await kapal.run('logs', 'banner', '--lines', '1000')).stdout;
    assert.match(piped, /frame 3 \u2588{20}/);
    // oxlint-disable-next-line no-control-regex -- control characters are what is looked for
    assert.doesNotMatch(piped, /[\u0000-\u0009\u000b-\u001f\u007f]/);
    const shown = await onTerminal(kapal, ['logs', 'banner', '--lines', '1000']);
    assert.ok(shown.includes(`${escape}[32mlistening`), 'colours stay on a terminal');
    assert.ok(!shown.includes(`${escape}[2J`) && !shown.includes(`${escape}]0;`), 'nothing moves or names it');
  });

  test('of a page and a worker that meet in Redis, whose address is a variable', async () => {
    await using redis = await startRedis();
    const client = `const { createClient } = require('redis');
const client = createClient({ url: process.env.REDIS_URL });
client.on('error', (error) => console.error(error.message));
`;
    const files = {
      'package.json': json({ dependencies: { redis: '4.7.1' } }),
      'web.js': `${client}client.connect().then(() => require('node:http').createServer(async (request, response) => {
  if (request.method === 'POST') await client.lPush('jobs', request.url.slice(1));
  response.end(JSON.stringify(await client.lRange('done', 0, -1)));
}).listen(process.env.PORT));
`,
      'worker.js': `${client}client.connect().then(async () => {
  for (;;) {
    const job = await client.brPop('jobs', 0);
    await client.rPush('done', job.element.toUpperCase() + ' by ' + process.env.KAPAL_SERVICE);
  }
});
`,
      Procfile: 'web: node web.js\nworker: node worker.js\n',
    };
    const folder = await kapal.project('antrean', files);
    // Of both services: before the first deploy a variable belongs to a name.
    for (const service of ['antrean', 'worker'])
      await kapal.run('env', 'set', service, `REDIS_URL=${redis.url}`, '--project', 'antrean');
    const { services } = await kapal.deploy(folder);
    assert.deepEqual(
      services.map(({ service, outcome }) => `${service} ${outcome}`),
      ['antrean live', 'worker live'],
    );
    await kapal.visit('antrean.localhost', '/kirim', { method: 'POST' });
    await until('the worker has done it', async () => {
      const { body } = await kapal.visit('antrean.localhost');
      return body === json(['KIRIM by worker']).replaceAll(/\s{2,}|\n/g, '');
    });
  });
});

/** What the command prints where its output is a terminal (script(1) makes one). */
async function onTerminal(kapal: TestKapal, args: readonly string[]): Promise<string> {
  const command = [join(checkout, 'kapal'), ...args].join(' ');
  const { stdout } = await promisify(execFile)(
    'script',
    ['--quiet', '--return', '--flush', '--command', command, '/dev/null'],
    { env: { ...process.env, KAPAL_DATA: kapal.data, TERM: 'xterm' }, maxBuffer: 16 * 1024 * 1024 },
  );
  return stdout;
}

async function startRedis(): Promise<AsyncDisposable & { readonly url: string }> {
  const port = await freePort();
  const child: ChildProcess = spawn(
    'redis-server',
    ['--port', String(port), '--bind', '127.0.0.1', '--save', '', '--appendonly', 'no', '--dir', '/tmp'],
    { stdio: 'ignore' },
  );
  const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  await until('redis listens', () => reaches(port));
  return {
    url: `redis://127.0.0.1:${port}`,
    async [Symbol.asyncDispose]() {
      child.kill('SIGKILL');
      await ended;
    },
  };
}

function reaches(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => resolve(false));
  });
}
