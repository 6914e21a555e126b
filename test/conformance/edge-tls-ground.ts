import { once } from 'node:events';
import { createServer, type IncomingHttpHeaders, type Server } from 'node:http';
import { type ClientHttp2Session, connect as connectHttp2, type OutgoingHttpHeaders } from 'node:http2';
import { type Agent, request } from 'node:https';
import type { AddressInfo } from 'node:net';
import { connect, type ConnectionOptions, type TLSSocket } from 'node:tls';
import { X509Certificate } from 'node:crypto';
import type { EdgeCertificate } from '../../src/edge/certificate.ts';
import type { Edge, Route } from '../../src/edge/port.ts';
import { proxyPool } from './edge.ts';
import type { EngineKind, EngineUnderTest } from './engines.ts';

/** What came of a handshake: what was presented and agreed, or why there was none. */
export type Outcome =
  | {
      readonly done: true;
      /** Of the leaf; compare with `fingerprintOf`. */
      readonly fingerprint: string;
      readonly protocol: string;
      readonly cipher: string;
      readonly alpn: string | false;
      readonly resumed: boolean;
    }
  | { readonly done: false; readonly code: string };

export interface Asked {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
}

export function fingerprintOf(certificate: EdgeCertificate): string {
  return new X509Certificate(certificate.chain).fingerprint256;
}

/** An engine with TLS in front of a backend that tells what it was sent. */
export class TlsGround implements AsyncDisposable {
  readonly under: EngineUnderTest;
  readonly #backend: Server;
  #version = 0;

  private constructor(under: EngineUnderTest, backend: Server) {
    this.under = under;
    this.#backend = backend;
  }

  static async start(kind: EngineKind): Promise<TlsGround> {
    const backend = createServer((message, response) => {
      const parts: Buffer[] = [];
      message.on('data', (part: Buffer) => parts.push(part));
      message.on('end', () => {
        const body = Buffer.concat(parts);
        // Waits for an answer as long as the client does.
        if (message.url === '/hold') return;
        if (message.url?.startsWith('/echo') === true) response.end(body);
        else if (message.url?.startsWith('/large') === true) response.end(Buffer.alloc(1 << 20, 'x'));
        else if (message.url === '/empty') response.writeHead(204).end();
        else {
          const { method, url, headers } = message;
          response.setHeader('set-cookie', ['a=1', 'b=2']);
          response.end(JSON.stringify({ method, url, headers, length: body.length }));
        }
      });
    });
    backend.listen(0, '127.0.0.1');
    await once(backend, 'listening');
    const ground = new TlsGround(await kind.make(), backend);
    await ground.edge.ensure();
    return ground;
  }

  get edge(): Edge {
    return this.under.edge;
  }

  /** Leads hosts to the backend. */
  async route(hosts: readonly string[], more: Partial<Route> = {}): Promise<void> {
    this.#version += 1;
    const { port } = this.#backend.address() as AddressInfo;
    const routes = hosts.map((host) => ({ host, path: '/', pool: 'p', ...more }));
    await this.edge.apply({
      version: this.#version,
      routes,
      pools: [{ ...proxyPool('p', [port]), maxBodySize: 16 << 20 }],
      streams: [],
    });
  }

  /** One connection that is closed when its handshake has ended. */
  async handshake(name: string | null, options: ConnectionOptions = {}): Promise<Outcome> {
    const socket = this.connect(name, options);
    try {
      await secured(socket);
      const certificate = socket.getPeerX509Certificate();
      return {
        done: true,
        fingerprint: certificate?.fingerprint256 ?? '',
        protocol: socket.getProtocol() ?? '',
        cipher: socket.getCipher().standardName,
        alpn: socket.alpnProtocol ?? false,
        resumed: socket.isSessionReused(),
      };
    } catch (error) {
      return { done: false, code: codeOf(error) };
    } finally {
      socket.destroy();
    }
  }

  /** `name`: sent as SNI, `null` for none. */
  connect(name: string | null, options: ConnectionOptions = {}): TLSSocket {
    const socket = connect({
      host: '127.0.0.1',
      port: this.under.https,
      rejectUnauthorized: false,
      ...(name === null ? {} : { servername: name }),
      ...options,
    });
    socket.on('error', () => undefined);
    return socket;
  }

  /** One request of HTTP/1.1 over TLS; `name` is SNI and Host unless a Host is given. */
  ask(
    name: string,
    options: {
      readonly path?: string;
      readonly method?: string;
      readonly headers?: Readonly<Record<string, string>>;
      readonly body?: Buffer;
      readonly agent?: Agent;
    } = {},
  ): Promise<Asked> {
    return new Promise((resolve, reject) => {
      const asked = request({
        host: '127.0.0.1',
        port: this.under.https,
        servername: name,
        rejectUnauthorized: false,
        path: options.path ?? '/',
        method: options.method ?? 'GET',
        agent: options.agent ?? false,
        headers: { host: name, ...options.headers },
      });
      asked.once('error', reject);
      asked.once('response', (response) => {
        const parts: Buffer[] = [];
        response.on('data', (part: Buffer) => parts.push(part));
        response.once('error', reject);
        response.once('end', () =>
          resolve({ status: response.statusCode ?? 0, headers: response.headers, body: Buffer.concat(parts) }),
        );
      });
      asked.end(options.body);
    });
  }

  /** A session of HTTP/2 with SNI and `:authority` of `name`. */
  session(name: string): Http2Client {
    return new Http2Client(name, this.connect(name, { ALPNProtocols: ['h2'] }));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.under[Symbol.asyncDispose]();
    this.#backend.closeAllConnections();
    this.#backend.close();
    await once(this.#backend, 'close');
  }
}

/** Node's client of HTTP/2, for whole exchanges. */
export class Http2Client implements Disposable {
  readonly session: ClientHttp2Session;
  readonly #name: string;

  constructor(name: string, socket: TLSSocket) {
    this.#name = name;
    // Its own bound on memory is less than a hundred uploads take.
    this.session = connectHttp2(`https://${name}`, { createConnection: () => socket, maxSessionMemory: 1000 });
    this.session.on('error', () => undefined);
  }

  ask(
    path: string,
    options: {
      readonly method?: string;
      readonly headers?: OutgoingHttpHeaders;
      readonly body?: Buffer;
    } = {},
  ): Promise<Asked> {
    const { body } = options;
    return new Promise((resolve, reject) => {
      const stream = this.session.request(
        { ':path': path, ':method': options.method ?? 'GET', ':authority': this.#name, ...options.headers },
        { endStream: body === undefined },
      );
      let headers: IncomingHttpHeaders = {};
      let status = 0;
      const parts: Buffer[] = [];
      stream.on('response', (fields) => {
        headers = fields;
        status = Number(fields[':status']);
      });
      stream.on('data', (part: Buffer) => parts.push(part));
      stream.on('error', reject);
      stream.on('end', () => resolve({ status, headers, body: Buffer.concat(parts) }));
      if (body !== undefined) stream.end(body);
    });
  }

  [Symbol.dispose](): void {
    this.session.destroy();
  }
}

async function secured(socket: TLSSocket): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    socket.once('secureConnect', resolve);
    socket.once('error', reject);
    socket.once('close', () => reject(Object.assign(new Error('closed in the handshake'), { code: 'CLOSED' })));
  });
}

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : String(error);
}
