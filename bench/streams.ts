import { randomBytes } from 'node:crypto';
import { get, type IncomingMessage, request } from 'node:http';
import type { Socket } from 'node:net';
import { Lateness } from './edge/lateness.ts';

/** Where streams are opened: a port of the loopback, and the Host of the service. */
export interface Target {
  readonly port: number;
  readonly host: string;
}

/** An app of event streams at /events and WebSockets at any upgrade, which says `tick` twice a second, and `bye` to each when it is told to stop. */
export const streamingServer = `const http = require('node:http');
const open = new Set();
const server = http.createServer((request, response) => {
  if (request.url !== '/events') return answer(request, response);
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

interface Stream {
  readonly socket: Socket;
  /** Calls back with every piece of text. */
  readonly onText: (take: (text: string) => void) => void;
}

export type Open = (target: Target) => Promise<Stream>;

/** Listens for as long as it is open: to one stream after the other. A stream that ends without `bye` was cut. */
export class Listener {
  moved = 0;
  cut = 0;
  /** Broke while this process was not let run. */
  late = 0;
  /** Words since the last connection. */
  heard = 0;
  readonly #target: Target;
  readonly #open: Open;
  readonly #lateness: Lateness;
  #socket: Socket | null = null;
  #closed = false;

  constructor(target: Target, open: Open, lateness = new Lateness()) {
    this.#lateness = lateness;
    this.#target = target;
    this.#open = open;
    void this.#listen();
  }

  close(): void {
    this.#closed = true;
    this.#socket?.destroy();
  }

  async #listen(): Promise<void> {
    while (!this.#closed) {
      const begun = performance.now();
      try {
        const farewell = await this.#follow(await this.#open(this.#target));
        if (this.#closed) return;
        if (farewell) this.moved += 1;
        else this.cut += 1;
      } catch (error) {
        if (this.#closed) return;
        if (this.#lateness.wasLateSince(begun)) {
          this.late += 1;
          continue;
        }
        console.error(`  could not connect: ${error instanceof Error ? error.message : String(error)}`);
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

export function openEvents({ port, host }: Target): Promise<Stream> {
  return new Promise((resolve, reject) => {
    const asked = get(
      { host: '127.0.0.1', port, path: '/events', headers: { host }, agent: false },
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

export function openWebSocket({ port, host }: Target): Promise<Stream> {
  return new Promise((resolve, reject) => {
    const headers = {
      host,
      connection: 'Upgrade',
      upgrade: 'websocket',
      'sec-websocket-version': '13',
      'sec-websocket-key': randomBytes(16).toString('base64'),
    };
    const asked = request({ host: '127.0.0.1', port, path: '/socket', headers, agent: false });
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

function pause(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 20));
}
