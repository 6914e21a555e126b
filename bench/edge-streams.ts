import { randomBytes } from 'node:crypto';
import { get, type IncomingMessage, request } from 'node:http';
import type { Socket } from 'node:net';
import { type TestKapal, until } from '../test/e2e/kapal.ts';
import { onStage } from './stage.ts';

/**
 * 100 WebSockets and 100 streams of server-sent events through 10 deploys. An app says `bye` on each of its streams when it is told to stop, which is
 * when its drain ends; a stream that ends without that was cut. Whoever is told `bye` connects again.
 *
 *   scripts/node24 bench/edge-streams.ts [embedded|nginx]
 */
const engine = process.argv[2] ?? 'nginx';
const each = 100;
const deploys = 10;

const app = `const http = require('node:http');
const open = new Set();
const server = http.createServer((request, response) => {
  if (request.url !== '/events') return response.end('ok');
  response.writeHead(200, { 'content-type': 'text/event-stream' });
  response.write('data: hello\\n\\n');
  const stream = { write: (word) => response.write('data: ' + word + '\\n\\n'), end: () => response.end() };
  open.add(stream);
  response.on('close', () => open.delete(stream));
});
server.on('upgrade', (request, socket) => {
  socket.write('HTTP/1.1 101 Switching Protocols\\r\\nUpgrade: websocket\\r\\nConnection: Upgrade\\r\\n\\r\\n');
  const stream = { write: (word) => socket.write(Buffer.concat([Buffer.from([0x81, word.length]), Buffer.from(word)])), end: () => socket.end() };
  open.add(stream);
  socket.on('close', () => open.delete(stream)).on('error', () => open.delete(stream));
  stream.write('hello');
});
setInterval(() => { for (const stream of open) stream.write('tick'); }, 500);
process.on('SIGTERM', () => {
  for (const stream of open) { stream.write('bye'); stream.end(); }
  server.close(() => process.exit(0));
});
server.listen(process.env.PORT, process.env.HOST);
`;

const declaration = `services:
  - type: web
    name: chat
    runtime: node
    buildCommand: ""
    startCommand: node app.js
    healthCheckPath: /healthz
    numInstances: 2
    maxShutdownDelaySeconds: 4
`;

interface Stream {
  readonly socket: Socket;
  /** Calls back with every piece of text. */
  readonly onText: (take: (text: string) => void) => void;
}

type Open = (kapal: TestKapal) => Promise<Stream>;

/** Listens for as long as it is open: to one stream after the other. */
class Listener {
  moved = 0;
  cut = 0;
  /** Words since the last connection. */
  heard = 0;
  readonly #kapal: TestKapal;
  readonly #open: Open;
  #socket: Socket | null = null;
  #closed = false;

  constructor(kapal: TestKapal, open: Open) {
    this.#kapal = kapal;
    this.#open = open;
    void this.#listen();
  }

  close(): void {
    this.#closed = true;
    this.#socket?.destroy();
  }

  async #listen(): Promise<void> {
    while (!this.#closed) {
      try {
        const farewell = await this.#follow(await this.#open(this.#kapal));
        if (this.#closed) return;
        if (farewell) this.moved += 1;
        else this.cut += 1;
      } catch (error) {
        if (this.#closed) return;
        console.log(`  could not connect: ${error instanceof Error ? error.message : String(error)}`);
        this.cut += 1;
        await pause();
      }
    }
  }

  /** Resolves at the stream's end with whether it was told `bye`. */
  #follow({ socket, onText }: Stream): Promise<boolean> {
    this.#socket = socket;
    this.heard = 0;
    let last = '';
    onText((text) => {
      this.heard += 1;
      last = `${last}${text}`.slice(-40);
    });
    return new Promise((resolve) => {
      socket.once('error', () => undefined);
      socket.once('close', () => resolve(last.includes('bye')));
    });
  }
}

function openEvents(kapal: TestKapal): Promise<Stream> {
  return new Promise((resolve, reject) => {
    const asked = get(
      { host: '127.0.0.1', port: kapal.http, path: '/events', headers: { host: 'chat.localhost' }, agent: false },
      (response: IncomingMessage) => {
        if (response.statusCode !== 200) {
          reject(new Error(`events answered ${response.statusCode}`));
          response.destroy();
          return;
        }
        response.setEncoding('utf8');
        response.on('error', () => undefined);
        response.on('end', () => response.socket.destroy());
        resolve({ socket: response.socket, onText: (take) => response.on('data', take) });
      },
    );
    asked.on('error', reject);
  });
}

function openWebSocket(kapal: TestKapal): Promise<Stream> {
  return new Promise((resolve, reject) => {
    const headers = {
      host: 'chat.localhost',
      connection: 'Upgrade',
      upgrade: 'websocket',
      'sec-websocket-version': '13',
      'sec-websocket-key': randomBytes(16).toString('base64'),
    };
    const asked = request({ host: '127.0.0.1', port: kapal.http, path: '/socket', headers, agent: false });
    asked.on('error', reject);
    asked.on('response', (response) => {
      reject(new Error(`the upgrade was answered ${response.statusCode}`));
      response.destroy();
    });
    asked.on('upgrade', (_response, socket: Socket, head) => {
      resolve({
        socket,
        onText(take) {
          if (head.length > 0) take(head.toString('latin1'));
          socket.on('data', (part: Buffer) => take(part.toString('latin1')));
          socket.on('end', () => socket.destroy());
        },
      });
    });
    asked.end();
  });
}

function sum(listeners: readonly Listener[], key: 'moved' | 'cut'): number {
  return listeners.reduce((total, listener) => total + listener[key], 0);
}

function pause(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 20));
}

await onStage(async (kapal, figures) => {
  await kapal.up(['--edge', engine]);
  const files = { 'app.js': app, 'package.json': '{}', 'kapal.yaml': declaration };
  await kapal.deploy(await kapal.project('chat', files));
  const listeners = [
    ...Array.from({ length: each }, () => new Listener(kapal, openEvents)),
    ...Array.from({ length: each }, () => new Listener(kapal, openWebSocket)),
  ];
  try {
    await until('every stream has begun', async () => (await pause(), listeners.every(({ heard }) => heard > 0)));
    for (let number = 1; number <= deploys; number += 1) {
      const changed = { ...files, 'package.json': JSON.stringify({ version: `${number}.0.0` }) };
      const [service] = (await kapal.deploy(await kapal.project('chat', changed))).services;
      if (service?.outcome !== 'live') throw new Error(`deploy ${number} ended ${service?.outcome}`);
      console.log(`  deploy ${number}: ${sum(listeners, 'moved')} moved, ${sum(listeners, 'cut')} cut`);
    }
    const before = sum(listeners, 'moved');
    await until('the last drain ends', async () => (await pause(), sum(listeners, 'moved') > before), 20);
    await until('all are heard again', async () => (await pause(), listeners.every(({ heard }) => heard > 0)), 20);
  } finally {
    for (const listener of listeners) listener.close();
  }
  figures.atMost(`${engine}: streams cut before their drain ended, of ${sum(listeners, 'moved') + 2 * each}`, {
    value: sum(listeners, 'cut'),
    most: 0,
  });
});
