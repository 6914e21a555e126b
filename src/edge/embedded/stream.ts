import { createConnection, createServer, type Server, type Socket } from 'node:net';
import type { Endpoint, Pool, ProxyPool } from '../pool.ts';
import type { RouteTable, StreamRoute } from '../port.ts';

const CONNECT_TIMEOUT = 2000;
const RETRY_LISTEN = 500;

/**
 * Private listeners on loopback: bytes to an endpoint of the route's pool. Every worker opens each port (SO_REUSEPORT), so the kernel
 * spreads connections over them. A connection stays with its endpoint to its end, and counts as in flight there until then.
 */
export class StreamRelay {
  readonly #listeners = new Map<number, Listener>();
  readonly #pools = new Map<string, ProxyPool>();
  readonly #inFlight = new Map<string, number>();
  readonly #sockets = new Set<Socket>();
  readonly #turns = new Map<string, number>();
  #draining: (() => void) | null = null;

  /** From its return on, no new connection goes to an endpoint that the table does not name. */
  apply(table: Pick<RouteTable, 'streams' | 'pools'>): void {
    this.#pools.clear();
    for (const pool of table.pools) if (isProxy(pool)) this.#pools.set(pool.id, pool);
    for (const id of this.#turns.keys()) if (!this.#pools.has(id)) this.#turns.delete(id);
    const wanted = new Map(table.streams.map((stream) => [stream.port, stream]));
    for (const [port, listener] of this.#listeners) {
      if (wanted.has(port)) continue;
      listener.close();
      this.#listeners.delete(port);
    }
    for (const stream of wanted.values()) this.#listen(stream);
  }

  /** Connections by endpoint id; those of endpoints that left the table too. */
  inFlight(): ReadonlyMap<string, number> {
    return this.#inFlight;
  }

  /** Ports that could not be opened yet, in words. They are tried again twice a second. */
  problems(): string[] {
    return [...this.#listeners.values()].map((listener) => listener.problem).filter((problem) => problem !== null);
  }

  /** Stops listening; resolves when no connection is left. */
  drain(): Promise<void> {
    for (const listener of this.#listeners.values()) listener.close();
    this.#listeners.clear();
    if (this.#sockets.size === 0) return Promise.resolve();
    return new Promise((resolve) => (this.#draining = resolve));
  }

  /** Ends every connection at once. */
  close(): void {
    void this.drain();
    for (const socket of this.#sockets) socket.destroy();
  }

  #listen(stream: StreamRoute): void {
    const known = this.#listeners.get(stream.port);
    if (known !== undefined) {
      known.pool = stream.pool;
      return;
    }
    const listener: Listener = new Listener(stream, (client) => this.#relay(client, listener.pool));
    this.#listeners.set(stream.port, listener);
  }

  #relay(client: Socket, poolId: string): void {
    this.#hold(client);
    const pool = this.#pools.get(poolId);
    this.#connect(client, pool === undefined ? [] : this.#inOrder(pool));
  }

  /** Tries one endpoint after another; with none left the client is reset, as by a port where nothing listens. */
  #connect(client: Socket, endpoints: readonly Endpoint[]): void {
    const [endpoint, ...others] = endpoints;
    if (client.destroyed) return;
    if (endpoint === undefined) {
      client.resetAndDestroy();
      return;
    }
    const upstream = createConnection({ host: endpoint.host, port: endpoint.port, allowHalfOpen: true, noDelay: true });
    this.#hold(upstream);
    this.#count(endpoint.id, 1);
    const leave = (): void => void upstream.destroy();
    client.once('close', leave);
    upstream.setTimeout(CONNECT_TIMEOUT, () => upstream.destroy());
    let connected = false;
    upstream.once('connect', () => {
      connected = true;
      upstream.setTimeout(0);
      join(client, upstream);
    });
    upstream.once('close', () => {
      client.off('close', leave);
      this.#count(endpoint.id, -1);
      if (connected) client.destroySoon();
      else this.#connect(client, others);
    });
  }

  #hold(socket: Socket): void {
    this.#sockets.add(socket);
    // What went wrong shows in `close`, which always follows; without a listener an error ends the worker.
    socket.on('error', () => undefined);
    socket.once('close', () => {
      this.#sockets.delete(socket);
      if (this.#sockets.size === 0) this.#draining?.();
    });
  }

  #count(endpoint: string, change: 1 | -1): void {
    const count = (this.#inFlight.get(endpoint) ?? 0) + change;
    if (count === 0) this.#inFlight.delete(endpoint);
    else this.#inFlight.set(endpoint, count);
  }

  /** All endpoints, those that are down last. */
  #inOrder(pool: ProxyPool): Endpoint[] {
    const endpoints = this.#byTurn(pool);
    return [...endpoints.filter(({ down }) => down !== true), ...endpoints.filter(({ down }) => down === true)];
  }

  /** The chosen one first: in turn by weight, or the one with the fewest connections for its weight. */
  #byTurn(pool: ProxyPool): Endpoint[] {
    const { endpoints } = pool;
    if (pool.balance === 'least-connections') {
      const load = (endpoint: Endpoint): number => (this.#inFlight.get(endpoint.id) ?? 0) / endpoint.weight;
      return endpoints.toSorted((a, b) => load(a) - load(b));
    }
    const turns = endpoints.flatMap((endpoint) =>
      Array.from({ length: Math.min(Math.max(1, Math.round(endpoint.weight)), 100) }, () => endpoint),
    );
    const turn = this.#turns.get(pool.id) ?? 0;
    this.#turns.set(pool.id, turn + 1);
    const from = turns.length === 0 ? 0 : turn % turns.length;
    return [...new Set([...turns.slice(from), ...turns.slice(0, from)])];
  }
}

/** Keeps trying to listen until it is closed: the port may still be held by a worker of the generation before. */
class Listener {
  pool: string;
  problem: string | null = null;
  readonly #port: number;
  readonly #accept: (client: Socket) => void;
  #server: Server | null = null;
  #retry: NodeJS.Timeout | null = null;
  #closed = false;

  constructor(stream: StreamRoute, accept: (client: Socket) => void) {
    this.pool = stream.pool;
    this.#port = stream.port;
    this.#accept = accept;
    this.#open();
  }

  close(): void {
    this.#closed = true;
    if (this.#retry !== null) clearTimeout(this.#retry);
    this.#server?.close();
  }

  #open(): void {
    const server = createServer(
      { allowHalfOpen: true, pauseOnConnect: true, noDelay: true, keepAlive: true },
      this.#accept,
    );
    this.#server = server;
    server.on('error', (error: NodeJS.ErrnoException) => {
      if (this.#closed) return;
      this.problem = `127.0.0.1:${this.#port}: ${error.code ?? error.message}`;
      this.#retry = setTimeout(() => this.#open(), RETRY_LISTEN);
    });
    server.listen({ host: '127.0.0.1', port: this.#port, reusePort: true, backlog: 1024 }, () => {
      this.problem = null;
      if (this.#closed) server.close();
    });
  }
}

/** Both ways, each with the other side's back-pressure; the end of one direction is passed on and leaves the other open. */
function join(client: Socket, upstream: Socket): void {
  client.pipe(upstream);
  upstream.pipe(client);
  client.resume();
}

function isProxy(pool: Pool): pool is ProxyPool {
  return pool.kind === 'proxy';
}
