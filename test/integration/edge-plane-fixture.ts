import { once } from 'node:events';
import { createServer as createHttpServer, type RequestListener, type Server as HttpServer } from 'node:http';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import { createPlane } from '../../src/edge/embedded/plane/plane.ts';
import type {
  AccessEntry,
  Plane,
  PlaneLimits,
  StaticAnswer,
  StaticRequest,
} from '../../src/edge/embedded/plane/types.ts';
import type { Endpoint, Pool, ProxyPool } from '../../src/edge/pool.ts';
import { seen } from '../patience.ts';

export interface GroundOptions {
  readonly limits?: Partial<PlaneLimits>;
  readonly pool?: Partial<Omit<ProxyPool, 'kind' | 'endpoints'>>;
  /** In place of gathering entries. */
  readonly log?: (entry: AccessEntry) => void;
  readonly fault?: (error: unknown) => void;
  readonly answerStatic?: (request: StaticRequest) => Promise<StaticAnswer>;
}

/** A plane behind a port of its own; the host `a.test` leads to the endpoints that it was given. */
export class PlaneGround implements AsyncDisposable {
  readonly plane: Plane;
  readonly server: Server;
  readonly log: AccessEntry[] = [];
  readonly #options: GroundOptions;
  #version = 0;
  port = 0;

  private constructor(options: GroundOptions) {
    this.#options = options;
    this.plane = createPlane({
      answerStatic: (_pool, request) =>
        options.answerStatic?.(request) ?? Promise.reject(new Error('no static files here')),
      hasFile: () => Promise.resolve(false),
      errorPage: (status, { id }) => ({ contentType: 'text/plain', body: Buffer.from(`error ${status} ${id}`) }),
      log: options.log ?? ((entry) => this.log.push(entry)),
      fault:
        options.fault ??
        ((error) => {
          throw error;
        }),
      now: () => Date.now(),
      ...(options.limits === undefined ? {} : { limits: options.limits }),
    });
    this.server = createServer({ noDelay: true });
    this.plane.serve(this.server);
  }

  static async start(
    backends: readonly { readonly port: number }[],
    options: GroundOptions = {},
  ): Promise<PlaneGround> {
    const ground = new PlaneGround(options);
    ground.server.listen(0, '127.0.0.1');
    await once(ground.server, 'listening');
    ground.port = (ground.server.address() as AddressInfo).port;
    ground.route(backends);
    return ground;
  }

  /** Endpoints are called `e1`, `e2` ... unless they bring a name. */
  route(backends: readonly { readonly port: number; readonly id?: string }[], more: readonly Pool[] = []): void {
    const endpoints: Endpoint[] = backends.map(({ port, id }, i) => ({
      id: id ?? `e${i + 1}`,
      host: '127.0.0.1',
      port,
      weight: 1,
    }));
    const pool: ProxyPool = {
      kind: 'proxy',
      id: 'p',
      service: 'api',
      balance: 'round-robin',
      endpoints,
      maxBodySize: 100 * 1024 * 1024,
      responseTimeout: 60_000,
      idleTimeout: null,
      rewriteHost: false,
      ...this.#options.pool,
    };
    this.#version += 1;
    const routes = [
      { host: 'a.test', path: '/', pool: 'p' },
      ...more.map(({ id }) => ({ host: `${id}.test`, path: '/', pool: id })),
    ];
    this.plane.apply({ version: this.#version, routes, pools: [pool, ...more], streams: [] });
  }

  connect(): RawClient {
    return new RawClient(this.port);
  }

  /** Sends one message on a connection of its own, with `Connection: close` where it does not say otherwise, and gives all that came back. */
  async exchange(message: string): Promise<string> {
    const client = this.connect();
    client.send(message);
    await client.closed();
    return client.text;
  }

  get(path = '/', lines = ''): Promise<string> {
    return this.exchange(`GET ${path} HTTP/1.1\r\nHost: a.test\r\nConnection: close\r\n${lines}\r\n`);
  }

  lastEntry(): Promise<AccessEntry> {
    return seen('an entry of the access log', () => this.log.at(-1));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.plane.close();
    this.server.close();
    await once(this.server, 'close');
  }
}

/** A client that writes and reads bytes as they are. */
export class RawClient {
  readonly socket: Socket;
  /** All that came, latin-1. */
  text = '';
  isClosed = false;
  failed: string | null = null;

  constructor(port: number) {
    this.socket = connect({ port, host: '127.0.0.1', noDelay: true });
    this.socket.on('data', (bytes: Buffer) => {
      this.text += bytes.toString('latin1');
    });
    this.socket.on('error', (error: NodeJS.ErrnoException) => {
      this.failed = error.code ?? error.message;
    });
    this.socket.on('close', () => {
      this.isClosed = true;
    });
  }

  send(text: string): void {
    this.socket.write(text, 'latin1');
  }

  /** Everything that has come, once it holds what is wanted. */
  until(wanted: string | RegExp, milliseconds?: number): Promise<string> {
    const found = (): boolean => (typeof wanted === 'string' ? this.text.includes(wanted) : wanted.test(this.text));
    return seen(
      `${String(wanted)} in ${JSON.stringify(this.text.slice(0, 500))}`,
      () => (found() ? this.text : null),
      milliseconds,
    );
  }

  async closed(milliseconds?: number): Promise<void> {
    await seen(
      `the end of the connection after ${JSON.stringify(this.text.slice(0, 300))}`,
      () => this.isClosed,
      milliseconds,
    );
  }

  /** What came until now is taken out. */
  take(): string {
    const { text } = this;
    this.text = '';
    return text;
  }
}

export function statusOf(answer: string): number {
  return Number(/^HTTP\/1\.1 (\d{3}) /.exec(answer)?.[1]);
}

export function bodyOf(answer: string): string {
  return answer.slice(answer.indexOf('\r\n\r\n') + 4);
}

/** The value of a field of an answer, null where it is not there. */
export function fieldOf(answer: string, name: string): string | null {
  const head = answer.slice(0, answer.indexOf('\r\n\r\n') + 2);
  return new RegExp(`\r\n${name}: ?([^\r]*)\r\n`, 'i').exec(head)?.[1] ?? null;
}

export class HttpBackend implements AsyncDisposable {
  readonly server: HttpServer;
  port = 0;
  connections = 0;
  requests = 0;
  open = 0;

  private constructor(listener: RequestListener) {
    this.server = createHttpServer({ keepAliveTimeout: 60_000 }, (request, response) => {
      this.requests += 1;
      listener(request, response);
    });
    this.server.on('connection', (socket) => {
      this.connections += 1;
      this.open += 1;
      socket.on('close', () => {
        this.open -= 1;
      });
    });
  }

  static async start(listener: RequestListener): Promise<HttpBackend> {
    const backend = new HttpBackend(listener);
    backend.server.listen(0, '127.0.0.1');
    await once(backend.server, 'listening');
    backend.port = (backend.server.address() as AddressInfo).port;
    return backend;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.server.closeAllConnections();
    this.server.close();
    await once(this.server, 'close');
  }
}

/** A backend that does to its sockets what it is told: `received` is called with all bytes of a connection so far, for every segment. */
export class RawBackend implements AsyncDisposable {
  readonly #server: Server;
  readonly sockets = new Set<Socket>();
  connections = 0;
  port = 0;

  private constructor(received: (socket: Socket, text: string) => void) {
    this.#server = createServer({ noDelay: true }, (socket) => {
      let text = '';
      this.connections += 1;
      this.sockets.add(socket);
      socket.on('data', (bytes: Buffer) => {
        text += bytes.toString('latin1');
        received(socket, text);
      });
      socket.on('error', () => undefined);
      socket.on('close', () => this.sockets.delete(socket));
    });
  }

  static async start(received: (socket: Socket, text: string) => void): Promise<RawBackend> {
    const backend = new RawBackend(received);
    backend.#server.listen(0, '127.0.0.1');
    await once(backend.#server, 'listening');
    backend.port = (backend.#server.address() as AddressInfo).port;
    return backend;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const socket of this.sockets) socket.destroy();
    if (!this.#server.listening) return;
    this.#server.close();
    await once(this.#server, 'close');
  }
}

/** A port at which nobody listens. */
export async function deadPort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}
