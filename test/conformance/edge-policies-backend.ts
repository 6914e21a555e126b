import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { type AddressInfo, type Socket } from 'node:net';
import { createHash } from 'node:crypto';

/** What an application is asked to answer, in the field `x-want` as JSON. */
export interface Want {
  readonly status?: number;
  readonly headers?: Readonly<Record<string, string>>;
  /** Bytes of letters instead of what was seen. */
  readonly size?: number;
  /** Without Content-Length. */
  readonly chunked?: true;
  /** Pieces, the next when the one before has been released at `Backend.release`. */
  readonly pieces?: readonly string[];
  /** Breaks off after the pieces, without an end. */
  readonly cut?: true;
}

/** What the application saw of a request. */
export interface Seen {
  readonly method: string;
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** An application that answers with what it saw (as JSON), or with what the request wants. It counts requests by Host. */
export class PolicyBackend implements AsyncDisposable {
  readonly name: string;
  readonly #server = createServer((request, response) => void this.#answer(request, response));
  readonly #asked = new Map<string, number>();
  readonly #held = new Set<ServerResponse>();
  readonly #waiting: (() => void)[] = [];

  private constructor(name: string) {
    this.name = name;
    this.#server.on('upgrade', (request: IncomingMessage, socket: Socket) => this.#upgraded(request, socket));
  }

  static async start(name: string): Promise<PolicyBackend> {
    const backend = new PolicyBackend(name);
    backend.#server.listen(0, '127.0.0.1');
    await once(backend.#server, 'listening');
    return backend;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  asked(host: string): number {
    return this.#asked.get(host) ?? 0;
  }

  /** Requests for `/hold` that wait for their answer. */
  get holding(): number {
    return this.#held.size;
  }

  /** Answers those that wait, and sends the next piece of all streams. */
  release(): void {
    for (const response of this.#held) response.end('held');
    this.#held.clear();
    for (const step of this.#waiting.splice(0)) step();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections();
    this.#server.close();
    await once(this.#server, 'close');
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const host = request.headers.host ?? '';
    this.#asked.set(host, this.asked(host) + 1);
    response.on('error', () => undefined);
    const parts: Buffer[] = [];
    try {
      for await (const part of request) parts.push(part as Buffer);
    } catch {
      return;
    }
    if (request.url?.startsWith('/hold') === true) {
      this.#held.add(response);
      response.on('close', () => this.#held.delete(response));
      return;
    }
    const want = JSON.parse(String(request.headers['x-want'] ?? '{}')) as Want;
    const seen: Seen = {
      method: request.method ?? '',
      url: request.url ?? '',
      headers: { ...joined(request), 'x-backend': this.name },
      body: Buffer.concat(parts).toString(),
    };
    await this.#send(response, want, JSON.stringify(seen));
  }

  async #send(response: ServerResponse, want: Want, seen: string): Promise<void> {
    const body = want.size === undefined ? seen : 'lorem ipsum '.repeat(want.size).slice(0, want.size);
    const headers: Record<string, string> = { 'content-type': 'application/json', ...want.headers };
    if (want.chunked !== true && want.pieces === undefined && want.status !== 304)
      headers['content-length'] ??= String(Buffer.byteLength(body));
    response.writeHead(want.status ?? 200, headers);
    if (want.pieces === undefined) {
      response.end(want.status === 304 ? undefined : body);
      return;
    }
    for (const piece of want.pieces) {
      response.write(piece);
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    }
    if (want.cut === true) response.destroy();
    else response.end();
  }

  /** Echoes what comes, each read with `>` before it. */
  #upgraded(request: IncomingMessage, socket: Socket): void {
    const host = request.headers.host ?? '';
    this.#asked.set(host, this.asked(host) + 1);
    const key = String(request.headers['sec-websocket-key'] ?? '');
    const accept = createHash('sha1').update(`${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest('base64');
    socket.on('error', () => socket.destroy());
    socket.write(
      `HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${accept}\r\nX-Seen: ${request.url ?? ''}\r\n\r\n`,
    );
    socket.on('data', (part: Buffer) => socket.write(`>${part.toString()}`));
    socket.on('end', () => socket.end());
  }
}

function joined(request: IncomingMessage): Record<string, string> {
  const headers: Record<string, string> = {};
  for (let at = 0; at < request.rawHeaders.length; at += 2) {
    const name = (request.rawHeaders[at] ?? '').toLowerCase();
    const value = request.rawHeaders[at + 1] ?? '';
    headers[name] = headers[name] === undefined ? value : `${headers[name]}, ${value}`;
  }
  return headers;
}
