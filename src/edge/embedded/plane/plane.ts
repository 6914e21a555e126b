import type { Server, Socket } from 'node:net';
import type { PoolCounters, RouteTable } from '../../port.ts';
import type { QuotaReport } from '../policy/quotas.ts';
import { ClientConnection } from './client.ts';
import { Ground } from './ground.ts';
import { sweepInterval } from './limits.ts';
import type { ClientGround, PlaneClient } from './plane-client.ts';
import { Router } from './router.ts';
import type { Plane, PlaneOptions } from './types.ts';

/** A plane without routes: until the first `apply` every request is answered 404. It holds one timer; `close` ends it. */
export function createPlane(options: PlaneOptions): OpenPlane {
  return new DataPlane(options);
}

/** A plane that also takes connections which are accepted elsewhere. */
export interface OpenPlane extends Plane {
  /** Takes a connection in the form that `open` gives it; beyond the limit of connections it is closed. */
  take(socket: Socket, open: (ground: ClientGround) => PlaneClient): void;
}

class DataPlane implements OpenPlane {
  readonly #ground: Ground;
  readonly #router: Router;
  readonly #clients = new Set<PlaneClient>();
  readonly #clientGround: ClientGround;
  readonly #sweeper: NodeJS.Timeout;
  readonly #accept = (socket: Socket): void => this.take(socket, (ground) => new ClientConnection(ground, socket));
  readonly #servers: Server[] = [];
  #drained: (() => void)[] = [];

  constructor(options: PlaneOptions) {
    this.#ground = new Ground(options);
    this.#router = new Router(this.#ground);
    this.#clientGround = {
      ground: this.#ground,
      router: this.#router,
      opened: (client) => this.#clients.add(client),
      closed: (client) => this.#closed(client),
    };
    // The listening socket keeps a worker alive, not its housekeeping.
    this.#sweeper = setInterval(() => this.#sweep(), sweepInterval).unref();
  }

  serve(server: Server): void {
    this.#servers.push(server);
    server.on('connection', this.#accept);
  }

  take(socket: Socket, open: (ground: ClientGround) => PlaneClient): void {
    if (this.#clients.size >= this.#ground.limits.maxConnections || socket.remoteAddress === undefined) {
      socket.on('error', () => undefined);
      socket.destroy();
      return;
    }
    this.#clients.add(open(this.#clientGround));
  }

  apply(table: RouteTable): void {
    const waited = this.#router.waits;
    this.#router.apply(table);
    // Requests that wait at an endpoint which is down now go elsewhere at once, and those that waited for an endpoint to it.
    const isDown = table.pools.some((pool) => pool.kind === 'proxy' && pool.endpoints.some(({ down }) => down));
    if (waited || isDown) this.#sweep();
  }

  inFlight(): Map<string, number> {
    return this.#router.inFlight();
  }

  stalled(): string[] {
    return this.#router.stalled();
  }

  overloaded(): string[] {
    return this.#router.overloaded();
  }

  counters(): PoolCounters[] {
    return this.#router.counters();
  }

  quotaReport(worker: number): QuotaReport | null {
    return this.#ground.quotas.report(worker, performance.now());
  }

  learnQuotas(report: QuotaReport): void {
    this.#ground.quotas.learn(report, performance.now());
  }

  get limited(): boolean {
    return this.#ground.quotas.declared;
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
    this.#ground.places.close();
    this.#settle();
  }

  #closed(client: PlaneClient): void {
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
