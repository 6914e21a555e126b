import type { Endpoint } from '../../pool.ts';
import type { Ground } from './ground.ts';
import { Health } from './health.ts';
import { UpstreamConnection } from './upstream.ts';

/** Requests that may be repeated take any idle connection; others only a recently used one, which its server has hardly begun to close. */
const freshEnough = 1_000;

/** One address that takes requests: its connections, what is under way there, and its health. Lives as long as the table names it or something is under way. */
export class EndpointState {
  readonly id: string;
  readonly host: string;
  readonly port: number;
  /** Host field for pools that rewrite it. */
  readonly authority: string;
  readonly health = new Health();
  readonly #ground: Ground;
  /** Oldest first: taken from the end, aged from the front. */
  readonly #idle: UpstreamConnection[] = [];
  inFlight = 0;
  /** Connections, connecting and idle ones included. */
  open = 0;
  #retired = false;

  constructor(ground: Ground, { id, host, port }: Pick<Endpoint, 'id' | 'host' | 'port'>) {
    this.#ground = ground;
    this.id = id;
    this.host = host;
    this.port = port;
    this.authority = host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
  }

  get full(): boolean {
    return this.#idle.length === 0 && this.open >= this.#ground.limits.maxPerEndpoint;
  }

  /** An idle connection or a new one, which connects. `reuse`: `any`, `recent` or `none`. */
  take(reuse: 'any' | 'recent' | 'none'): UpstreamConnection {
    const last = reuse === 'none' ? undefined : this.#idle.pop();
    if (last !== undefined) {
      if (reuse === 'any' || this.#ground.clock.now - last.idleSince < freshEnough) return last;
      this.#idle.push(last);
    }
    this.open += 1;
    return new UpstreamConnection(this.#ground, this);
  }

  /** Takes back a connection whose exchange has ended whole. */
  giveBack(connection: UpstreamConnection): void {
    if (this.#retired || this.#idle.length >= this.#ground.limits.maxIdlePerEndpoint) {
      connection.destroy();
      return;
    }
    connection.idleSince = this.#ground.clock.now;
    this.#idle.push(connection);
  }

  /** A connection is gone. */
  closed(connection: UpstreamConnection): void {
    this.open -= 1;
    const index = this.#idle.lastIndexOf(connection);
    if (index !== -1) this.#idle.splice(index, 1);
  }

  /** Closes connections that nothing has used for a while: before a server closes them, which a request could cross. */
  sweep(now: number): void {
    const { upstreamIdleTimeout } = this.#ground.limits;
    let aged = 0;
    while (aged < this.#idle.length && now - (this.#idle[aged] as UpstreamConnection).idleSince >= upstreamIdleTimeout)
      aged += 1;
    for (const connection of this.#idle.splice(0, aged)) connection.destroy();
  }

  /** The table does not name it any more: idle connections go at once, the others after their exchange. */
  retire(): void {
    this.#retired = true;
    for (const connection of this.#idle.splice(0)) connection.destroy();
  }
}
