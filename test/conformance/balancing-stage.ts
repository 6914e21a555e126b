import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer, type IncomingHttpHeaders, request, type RequestListener, type Server } from 'node:http';
import { type AddressInfo, connect, createServer as createTcpServer, type Socket } from 'node:net';
import type { Endpoint, ProxyPool } from '../../src/edge/pool.ts';
import type { Edge } from '../../src/edge/port.ts';
import { hang } from '../patience.ts';
import type { EngineUnderTest } from './engines.ts';

/** One case of the table: the same text for every engine. */
export interface BalancingCase {
  readonly name: string;
  readonly run: (stage: Stage) => Promise<void>;
}

/** What a pool is made of in a case; ids are put together by the stage. */
export type PoolParts = Partial<Omit<ProxyPool, 'kind' | 'id' | 'service' | 'endpoints'>>;

export type EndpointParts = Partial<Omit<Endpoint, 'id'>> & { readonly port: number; readonly name: string };

export interface Answer {
  readonly status: number;
  readonly body: string;
  readonly headers: IncomingHttpHeaders;
}

export interface Asking {
  readonly method?: string;
  readonly path?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
  /** The client's own address. */
  readonly from?: string;
  /** Milliseconds; a bound against hanging. */
  readonly timeout?: number;
  readonly signal?: AbortSignal;
}

/** An engine, one route to one pool, and what the case puts behind it. Everything ends with the case. */
export class Stage implements AsyncDisposable {
  readonly edge: Edge;
  readonly host: string;
  readonly #pool: string;
  readonly #http: number;
  readonly #versions: { next: number };
  readonly #ends: (() => Promise<void>)[] = [];

  /** `versions` is shared by all stages on one engine, whose tables only ever grow. */
  constructor(under: EngineUnderTest, name: string, versions: { next: number }) {
    this.edge = under.edge;
    this.#http = under.http;
    this.#pool = name;
    this.host = `${name}.test`;
    this.#versions = versions;
  }

  /** Id of an endpoint in tables and reports. */
  id(name: string): string {
    return `${this.#pool}-${name}`;
  }

  /** Applies a table with these endpoints in the stage's pool. */
  async serve(endpoints: readonly EndpointParts[], parts: PoolParts = {}): Promise<void> {
    const pool: ProxyPool = {
      kind: 'proxy',
      id: this.#pool,
      service: `test/production/${this.#pool}`,
      balance: 'round-robin',
      endpoints: endpoints.map(({ name, ...rest }) => ({ id: this.id(name), host: '127.0.0.1', weight: 1, ...rest })),
      maxBodySize: 1 << 20,
      responseTimeout: hang,
      idleTimeout: 60_000,
      rewriteHost: false,
      ...parts,
    };
    this.#versions.next += 1;
    const routes = [{ host: this.host, path: '/', pool: this.#pool }];
    await this.edge.apply({ version: this.#versions.next, routes, pools: [pool], streams: [] });
  }

  /** One request on a connection of its own. */
  ask(asking: Asking = {}): Promise<Answer> {
    return new Promise((resolve, reject) => {
      const asked = request({
        host: '127.0.0.1',
        port: this.#http,
        path: asking.path ?? '/',
        method: asking.method ?? 'GET',
        agent: false,
        headers: { host: this.host, ...asking.headers },
        timeout: asking.timeout ?? hang,
        ...(asking.from === undefined ? {} : { localAddress: asking.from }),
        ...(asking.signal === undefined ? {} : { signal: asking.signal }),
      });
      asked.once('timeout', () => asked.destroy(new Error(`no answer in ${asking.timeout ?? hang} ms`)));
      asked.once('error', reject);
      asked.once('response', (response) => {
        const parts: Buffer[] = [];
        response.on('data', (part: Buffer) => parts.push(part));
        response.once('error', reject);
        response.once('end', () =>
          resolve({
            status: response.statusCode ?? 0,
            body: Buffer.concat(parts).toString(),
            headers: response.headers,
          }),
        );
      });
      asked.end(asking.body);
    });
  }

  /** So many requests one after the other; how many each body answered. All have to be answered 200. */
  async spread(count: number, asking: Asking = {}): Promise<Map<string, number>> {
    const counts = new Map<string, number>();
    for (let i = 0; i < count; i += 1) {
      const { status, body } = await this.ask(asking);
      assert.equal(status, 200, body);
      counts.set(body, (counts.get(body) ?? 0) + 1);
    }
    return counts;
  }

  /** A connection of the client that is read and written by hand. */
  raw(): Socket {
    const socket = connect({ port: this.#http, host: '127.0.0.1' });
    socket.on('error', () => undefined);
    this.#ends.push(async () => void socket.destroy());
    return socket;
  }

  /** A backend that answers its name unless it is told otherwise. */
  async backend(name: string, listener?: RequestListener, port = 0): Promise<Backend> {
    const backend = await Backend.start(name, listener, port);
    this.#ends.push(() => backend.end());
    return backend;
  }

  async backends(count: number, listener?: RequestListener): Promise<Backend[]> {
    return Promise.all(Array.from({ length: count }, (_, i) => this.backend(`b${i + 1}`, listener)));
  }

  /** A backend that is a process, and can be stopped. */
  async process(name: string): Promise<BackendProcess> {
    const backend = await BackendProcess.start(name);
    this.#ends.push(() => backend.end());
    return backend;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const end of this.#ends.toReversed()) await end();
  }
}

/** Counts what reaches it. `listener` may leave a request without an answer; `end` closes its connection. */
export class Backend implements EndpointParts {
  readonly name: string;
  readonly port: number;
  readonly #server: Server;
  requests = 0;
  /** Requests under way, and the most there ever were. */
  busy = 0;
  busiest = 0;

  private constructor(name: string, server: Server) {
    this.name = name;
    this.#server = server;
    this.port = (server.address() as AddressInfo).port;
  }

  static async start(name: string, listener?: RequestListener, port = 0): Promise<Backend> {
    const server = createServer({ keepAliveTimeout: 60_000 });
    server.listen(port, '127.0.0.1');
    await once(server, 'listening');
    const backend = new Backend(name, server);
    server.on('request', (incoming, response) => {
      backend.requests += 1;
      backend.busy += 1;
      backend.busiest = Math.max(backend.busiest, backend.busy);
      response.once('close', () => (backend.busy -= 1));
      if (listener === undefined) response.end(name);
      else listener(incoming, response);
    });
    server.on('clientError', (_, socket) => socket.destroy());
    return backend;
  }

  onUpgrade(take: (socket: Socket) => void): void {
    this.#server.on('upgrade', (_, socket: Socket) => take(socket));
  }

  async end(): Promise<void> {
    if (!this.#server.listening) return;
    this.#server.closeAllConnections();
    this.#server.close();
    await once(this.#server, 'close');
  }
}

const program = `
  const seen = {};
  require('node:http').createServer({ keepAliveTimeout: 60000 }, (request, response) => {
    if (request.url === '/seen') return response.end(JSON.stringify(seen));
    const key = request.method + ' ' + request.url;
    seen[key] = (seen[key] ?? 0) + 1;
    request.resume().on('end', () => response.end(process.argv[1]));
  }).listen(0, '127.0.0.1', function () { console.log(this.address().port); });
`;

export class BackendProcess implements EndpointParts {
  readonly name: string;
  readonly port: number;
  readonly #child: ChildProcess;

  private constructor(name: string, port: number, child: ChildProcess) {
    this.name = name;
    this.port = port;
    this.#child = child;
  }

  static async start(name: string): Promise<BackendProcess> {
    const child = spawn(process.execPath, ['-e', program, name], { stdio: ['ignore', 'pipe', 'inherit'] });
    const [line] = (await once(child.stdout, 'data')) as [Buffer];
    return new BackendProcess(name, Number(line.toString()), child);
  }

  stop(): void {
    this.#child.kill('SIGSTOP');
  }

  go(): void {
    this.#child.kill('SIGCONT');
  }

  /** How often each request reached it, as `METHOD /path`: asked of the process itself. */
  async seen(): Promise<Readonly<Record<string, number>>> {
    const response = await fetch(`http://127.0.0.1:${this.port}/seen`, { signal: AbortSignal.timeout(hang) });
    return (await response.json()) as Readonly<Record<string, number>>;
  }

  async end(): Promise<void> {
    const gone = once(this.#child, 'exit');
    this.#child.kill('SIGKILL');
    await gone;
  }
}

/** A port at which nobody listens. */
export async function deadPort(): Promise<number> {
  const server = createTcpServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

export function about(actual: number, wanted: number, tolerance: number): void {
  assert.ok(Math.abs(actual - wanted) <= tolerance, `${actual}, not ${wanted} give or take ${tolerance}`);
}
