import type { Server, Socket } from 'node:net';
import type { PoolCounters, RouteTable } from '../../port.ts';
import { ClientConnection, type ClientGround } from './client.ts';
import { Ground } from './ground.ts';
import { sweepInterval } from './limits.ts';
import { Router } from './router.ts';
import type { Plane, PlaneOptions } from './types.ts';

/** A plane without routes: until the first `apply` every request is answered 404. It holds one timer; `close` ends it. */
export function createPlane(options: PlaneOptions): Plane {
  return new DataPlane(options);
}

class DataPlane implements Plane {
  readonly #ground: Ground;
  readonly #router: Router;
  readonly #clients = new Set<ClientConnection>();
  readonly #clientGround: ClientGround;
  readonly #sweeper: NodeJS.Timeout;
  readonly #accept = (socket: Socket): void => this.#accepted(socket);
  readonly #servers: Server[] = [];
  #drained: (() => void)[] = [];

  constructor(options: PlaneOptions) {
    this.#ground = new Ground(options);
    this.#router = new Router(this.#ground);
    this.#clientGround = { ground: this.#ground, router: this.#router, closed: (client) => this.#closed(client) };
    // The listening socket keeps a worker alive, not its housekeeping.
    this.#sweeper = setInterval(() => this.#sweep(), sweepInterval).unref();
  }

  serve(server: Server): void {
    this.#servers.push(server);
    server.on('connection', this.#accept);
  }

  apply(table: RouteTable): void {
    this.#router.apply(table);
  }

  inFlight(): Map<string, number> {
    return this.#router.inFlight();
  }

  counters(): PoolCounters[] {
    return this.#router.counters();
  }

  connections(): number {
    return this.#clients.size;
  }

  drain(): Promise<void> {
    this.#ground.draining = true;
    return new Promise((resolve) => {
      this.#drained.push(resolve);
      this.#settle();
    });
  }

  close(): void {
    this.#ground.draining = true;
    clearInterval(this.#sweeper);
    for (const server of this.#servers) server.off('connection', this.#accept);
    for (const client of this.#clients) client.destroy();
    this.#clients.clear();
    this.#router.close();
    this.#ground.holds.clear();
    this.#settle();
  }

  #accepted(socket: Socket): void {
    if (this.#clients.size >= this.#ground.limits.maxConnections || socket.remoteAddress === undefined) {
      socket.on('error', () => undefined);
      socket.destroy();
      return;
    }
    this.#clients.add(new ClientConnection(this.#clientGround, socket));
  }

  #closed(client: ClientConnection): void {
    this.#clients.delete(client);
    this.#settle();
  }

  #settle(): void {
    if (!this.#ground.draining || this.#clients.size > 0) return;
    for (const resolve of this.#drained.splice(0)) resolve();
  }

  #sweep(): void {
    this.#ground.tick();
    const { clock, limits, draining } = this.#ground;
    for (const client of this.#clients) {
      this.#ground.guard(client, () => {
        client.sweep(clock.now);
        if (draining) client.endIdle(limits.drainIdleTimeout);
      })(undefined);
    }
    this.#router.sweep(clock.now);
  }
}
