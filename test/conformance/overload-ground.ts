import { once } from 'node:events';
import { Agent, createServer, request, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';
import type { ProxyPool } from '../../src/edge/pool.ts';
import { hang } from '../patience.ts';
import type { EngineUnderTest } from './engines.ts';

/** A service behind the edge: what answers, and who asks it until the moment is over. */
export interface Visited {
  readonly name: string;
  readonly listener: RequestListener;
  readonly pool?: Partial<ProxyPool>;
  visit(asker: Asker): Promise<void>;
}

/** What came back, by status; 0: no answer. */
export type Statuses = ReadonlyMap<number, number>;

/** Asks one service, and counts. */
export class Asker {
  readonly #port: number;
  readonly #host: string;
  readonly #over: () => boolean;
  readonly #agent = new Agent({ keepAlive: true });
  readonly #statuses = new Map<number, number>();
  readonly #under = new Set<Promise<number>>();
  readonly #retryAfter = new Set<string>();

  constructor(port: number, host: string, over: () => boolean) {
    this.#port = port;
    this.#host = host;
    this.#over = over;
  }

  get over(): boolean {
    return this.#over();
  }

  get statuses(): Statuses {
    return this.#statuses;
  }

  /** What 503 said. */
  get retryAfter(): ReadonlySet<string> {
    return this.#retryAfter;
  }

  /** One request; its status. `body`: sent in pieces, one every 50 ms. */
  ask(path = '/', body: readonly Buffer[] = []): Promise<number> {
    const asked = this.#ask(path, body).then((status) => {
      this.#statuses.set(status, (this.#statuses.get(status) ?? 0) + 1);
      this.#under.delete(asked);
      return status;
    });
    this.#under.add(asked);
    return asked;
  }

  /** So many requests a second, whatever becomes of them, until `until` holds. */
  async rate(perSecond: number, until = () => this.over): Promise<void> {
    const begun = performance.now();
    for (let sent = 0; !until(); await pause(5))
      for (; sent < ((performance.now() - begun) * perSecond) / 1000; sent += 1) void this.ask();
  }

  /** Resolves when everything that was asked has come back. */
  async settled(): Promise<void> {
    await Promise.all(this.#under);
    this.#agent.destroy();
  }

  #ask(path: string, body: readonly Buffer[]): Promise<number> {
    return new Promise((resolve) => {
      const asked = request(
        {
          host: '127.0.0.1',
          port: this.#port,
          path,
          method: body.length > 0 ? 'POST' : 'GET',
          agent: this.#agent,
          headers: { host: this.#host },
          timeout: hang,
        },
        (response) => {
          response.resume();
          const again = response.headers['retry-after'];
          if (again !== undefined) this.#retryAfter.add(again);
          response.once('error', () => resolve(0));
          response.once('end', () => resolve(response.statusCode ?? 0));
        },
      );
      asked.once('timeout', () => asked.destroy());
      asked.once('error', () => resolve(0));
      void send(asked, body);
    });
  }
}

async function send(asked: ReturnType<typeof request>, body: readonly Buffer[]): Promise<void> {
  for (const piece of body) {
    asked.write(piece);
    await pause(50);
  }
  asked.end();
}

/** Lets all services be visited at once for so many milliseconds; what each visitor got. */
export async function visited(
  { edge, http }: EngineUnderTest,
  services: readonly Visited[],
  milliseconds: number,
): Promise<ReadonlyMap<string, Asker>> {
  await using stack = new AsyncDisposableStack();
  const pools: ProxyPool[] = [];
  for (const { name, listener, pool } of services) {
    const server = createServer(listener).listen(0, '127.0.0.1');
    stack.defer(() => ended(server));
    await once(server, 'listening');
    pools.push({
      kind: 'proxy',
      id: name,
      service: `test/production/${name}`,
      balance: 'round-robin',
      endpoints: [{ id: `${name}.1`, host: '127.0.0.1', port: (server.address() as AddressInfo).port, weight: 1 }],
      maxBodySize: 1 << 24,
      responseTimeout: hang,
      idleTimeout: hang,
      rewriteHost: false,
      ...pool,
    });
  }
  const routes = services.map(({ name }) => ({ host: `${name}.test`, path: '/', pool: name }));
  await edge.apply({ version: Date.now(), routes, pools, streams: [] });
  const end = performance.now() + milliseconds;
  const askers = new Map(
    services.map(({ name }) => [name, new Asker(http, `${name}.test`, () => performance.now() >= end)]),
  );
  await Promise.all(
    services.map(async (service) => {
      const asker = askers.get(service.name);
      if (asker === undefined) return;
      await service.visit(asker);
      await asker.settled();
    }),
  );
  return askers;
}

async function ended(server: Server): Promise<void> {
  server.closeAllConnections();
  server.close();
  await once(server, 'close');
}
