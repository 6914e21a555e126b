import assert from 'node:assert/strict';
import { request } from 'node:http';
import type { Socket } from 'node:net';
import { after, before, describe, test } from 'node:test';
import { TestKapal, until } from './kapal.ts';

/** A chat room by the package that most have: says which instance it is, then repeats what is said. */
const chat = {
  'package.json': JSON.stringify({ scripts: { start: 'node server.js' }, dependencies: { ws: '8.18.3' } }),
  'server.js': `const { WebSocketServer } = require('ws');
const server = require('node:http').createServer((_, response) => response.end(process.env.KAPAL_INSTANCE));
new WebSocketServer({ server }).on('connection', (socket) => {
  socket.send(process.env.KAPAL_INSTANCE);
  socket.on('message', (text) => socket.send('heard ' + text));
});
server.listen(process.env.PORT);
`,
  'kapal.yaml': JSON.stringify({
    services: [
      {
        type: 'web',
        name: 'chat',
        runtime: 'node',
        startCommand: 'npm start',
        numInstances: 3,
        edge: { sticky: 'cookie' },
      },
    ],
  }),
};

/** Events without end, each with the release that it comes from; SIGTERM changes nothing of that. */
const ticker = (seconds: number) => ({
  'server.js': `require('node:http').createServer((request, response) => {
  response.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-cache' });
  let count = 0;
  const tick = () => response.write('data: ' + process.env.KAPAL_RELEASE + ' ' + ++count + '\\n\\n');
  tick();
  const beat = setInterval(tick, 100);
  response.on('close', () => clearInterval(beat));
}).listen(process.env.PORT);
process.on('SIGTERM', () => console.log('told to end'));
`,
  'kapal.yaml': JSON.stringify({
    services: [
      {
        type: 'web',
        name: 'ticker',
        runtime: 'node',
        startCommand: 'node server.js',
        maxShutdownDelaySeconds: seconds,
      },
    ],
  }),
});

for (const engine of ['embedded', 'nginx'] as const)
  describe(`what lasts, behind the edge ${engine}`, () => {
    let kapal: TestKapal;
    before(async () => {
      kapal = await TestKapal.prepare();
      kapal.edge = engine;
      await kapal.up();
    });
    after(async () => {
      await kapal[Symbol.asyncDispose]();
    });

    test('a chat over three instances: who comes back is with the same one, by HTTP and by WebSocket', async () => {
      await kapal.deploy(await kapal.project('chat', chat));
      const seen = new Set<string>();
      await until('each instance has had a visitor', async () => {
        const first = await kapal.visit('chat.localhost');
        const cookie = String(first.headers['set-cookie']).split(';')[0] ?? '';
        seen.add(first.body);
        for (let count = 0; count < 3; count += 1) {
          using room = await enter(kapal, cookie);
          await until('the room has answered', async () => room.text().includes('heard halo'));
          assert.ok(room.text().includes(first.body), `${room.text()} is not ${first.body}`);
        }
        return seen.size === 3;
      });
    });

    test('an endless stream comes as it is written, and a deploy drains it for as long as is declared', async () => {
      const delay = 3;
      await kapal.deploy(await kapal.project('ticker', ticker(delay)));
      const stream = await follow(kapal);
      await until('events have come', async () => stream.events().length >= 3);
      const old = (await kapal.service('ticker')).instances[0];
      const before = stream.events().length;
      const { services } = await kapal.deploy(await kapal.project('ticker', { ...ticker(delay), CHANGES: 'one\n' }));
      assert.deepEqual(
        services.map(({ outcome, release }) => [outcome, release]),
        [['live', 2]],
      );
      using fresh = await follow(kapal);
      await until('the new release streams', async () => fresh.events()[0] === 'data: 2 1');
      await until('the old stream has ended', async () => stream.ended() !== null);
      const events = stream.events();
      assert.ok(events.length > before, 'it went on while the new release took over');
      assert.deepEqual(
        events,
        events.map((_, index) => `data: 1 ${index + 1}`),
        'no event is missing',
      );
      assert.equal(fresh.ended(), null);
      const { instances } = await kapal.serviceOnce('ticker', (one) => one.instances.length === 1);
      assert.notEqual(instances[0]?.id, old?.id);
      const line = /told to end/.exec((await kapal.run('logs', 'ticker')).stdout);
      assert.notEqual(line, null, 'it was asked before it was ended');
    });
  });

interface Room extends Disposable {
  readonly text: () => string;
}

/** A WebSocket with the cookie of a visitor, in which one word is said (RFC 6455, 5.2: a masked frame of text). */
async function enter(kapal: TestKapal, cookie: string): Promise<Room> {
  const outgoing = request({
    host: '127.0.0.1',
    port: kapal.http,
    headers: {
      host: 'chat.localhost',
      cookie,
      connection: 'Upgrade',
      upgrade: 'websocket',
      'sec-websocket-version': '13',
      'sec-websocket-key': 'dGhlIHNhbXBsZSBub25jZQ==',
    },
  });
  const { promise, resolve, reject } = Promise.withResolvers<[Socket, Buffer]>();
  outgoing.on('upgrade', (_response, socket, head) => resolve([socket, head]));
  outgoing.on('response', (response) => reject(new Error(`answered ${response.statusCode}`)));
  outgoing.on('error', reject);
  outgoing.end();
  const [socket, head] = await promise;
  const parts = [head];
  socket.on('data', (part: Buffer) => parts.push(part));
  socket.on('error', () => undefined);
  const word = Buffer.from('halo');
  socket.write(Buffer.concat([Buffer.from([0x81, 0x80 | word.length, 0, 0, 0, 0]), word]));
  return { text: () => Buffer.concat(parts).toString('latin1'), [Symbol.dispose]: () => socket.destroy() };
}

interface Stream extends Disposable {
  readonly events: () => readonly string[];
  readonly ended: () => string | null;
}

async function follow(kapal: TestKapal): Promise<Stream> {
  const { promise, resolve, reject } = Promise.withResolvers<Stream>();
  const outgoing = request({
    host: '127.0.0.1',
    port: kapal.http,
    headers: { host: 'ticker.localhost' },
    agent: false,
  });
  outgoing.on('response', (response) => {
    let text = '';
    let end: string | null = null;
    response.setEncoding('utf8').on('data', (part: string) => (text += part));
    response.on('error', (error) => (end ??= error.message));
    response.on('close', () => (end ??= 'closed'));
    resolve({
      events: () => text.split('\n\n').slice(0, -1),
      ended: () => end,
      [Symbol.dispose]: () => outgoing.destroy(),
    });
  });
  outgoing.on('error', reject);
  outgoing.end();
  return promise;
}
