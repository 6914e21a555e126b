import type { Endpoint } from '../../pool.ts';
import { Gate } from './gate.ts';
import type { Ground } from './ground.ts';
import { Health } from './health.ts';
import { UpstreamConnection } from './upstream.ts';
import type { TlsTarget } from './upstream-tls.ts';

/** Requests that may be repeated take any idle connection; others only a recently used one, which its server has hardly begun to close. */
const freshEnough = 1_000;
/** Nothing at all came for so long while requests wait there: slow, or stopped. Milliseconds. */
const stalledAfter = 500;

/** How an exchange wants its connection. `tls`: over TLS, as that says. */
export interface Taking {
  readonly reuse: 'any' | 'recent' | 'none';
  readonly tls: TlsTarget | null;
}

/** One address that takes requests: its connections, what is under way there, and its health. Lives as long as the table names it or something is under way. */
export class EndpointState {
  readonly id: string;
  readonly host: string;
  readonly port: number;
  /** Host field for pools that rewrite it. */
  readonly authority: string;
  readonly health = new Health();
  readonly gate = new Gate();
  readonly #ground: Ground;
  /** Oldest first: taken from the end, aged from the front. */
  readonly #idle: UpstreamConnection[] = [];
  /** Requests and upgraded connections. */
  inFlight = 0;
  /** Requests that wait for the head of an answer. */
  #waiting = 0;
  /** Those of them that were sent whole, and the sum of the times at which they were: others wait for their clients too. */
  #line = 0;
  #begins = 0;
  /** Since when nothing has come, or since when somebody waits, whichever is later. */
  #quietSince = 0;
  /** The table says that it fails its checks. */
  down = false;
  /** Every request here holds a place that has to be given back: some pool has a limit. */
  counted = false;
  /** What is more than it can answer is refused. */
  gated = false;
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

  /** Whether there is no room for another request: it has all the connections that it may, or more requests than it can answer. */
  get full(): boolean {
    return this.atLimit || (this.#idle.length === 0 && this.open >= this.#ground.limits.maxPerEndpoint);
  }

  /** As many wait as may. */
  get atLimit(): boolean {
    return this.gated && this.#line >= this.gate.limit;
  }

  /** It refuses what it could not answer, and answers the rest. */
  isOverloaded(now: number): boolean {
    return this.gated && this.gate.isOverloaded(now);
  }

  stalled(now: number): boolean {
    return this.#waiting > 0 && now - this.#quietSince >= stalledAfter;
  }

  /** A request goes there now, and waits for the head of its answer. `placed`: its place was granted. */
  begin(placed: boolean): void {
    this.inFlight += 1;
    if (this.counted && !placed) this.#ground.places.change(this.id, 1);
    if (this.#waiting === 0) this.#quietSince = this.#ground.clock.now;
    this.#waiting += 1;
    this.health.chosen();
  }

  /** It is over, whatever became of it. */
  end(): void {
    this.inFlight -= 1;
    if (this.counted) this.#ground.places.change(this.id, -1);
  }

  /** It does not wait any longer. */
  settled(): void {
    this.#waiting -= 1;
  }

  /** A request that was sent whole stands in line from now on. The moment at which it begins to. */
  queue(): number {
    const { now } = this.#ground.clock;
    this.#line += 1;
    this.#begins += now;
    return now;
  }

  /** It does not any longer: it was answered, or left. */
  dequeue(begun: number, answered: boolean): void {
    this.#line -= 1;
    this.#begins = this.#line === 0 ? 0 : this.#begins - begun;
    if (answered) this.gate.answered(this.#ground.clock.now - begun);
    else this.gate.left();
  }

  /** Bytes have come from there. */
  heard(): void {
    this.#quietSince = this.#ground.clock.now;
  }

  /** An idle connection or a new one, which connects. */
  take({ reuse, tls }: Taking): UpstreamConnection {
    const idle = reuse === 'none' ? undefined : this.#takeIdle(tls?.key ?? null);
    if (idle !== undefined) {
      if (reuse === 'any' || this.#ground.clock.now - idle.idleSince < freshEnough) return idle;
      this.#idle.push(idle);
    }
    this.open += 1;
    return new UpstreamConnection(this.#ground, this, tls);
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
    const seen = { waiting: this.#line, age: this.#line === 0 ? 0 : now - this.#begins / this.#line };
    const suspect = this.gated && (this.gate.isLimiting || Gate.isSuspect(seen));
    this.gate.look(now, { ...seen, door: suspect ? this.#ground.doors.length(this.host, this.port, now) : 0 });
    const { upstreamIdleTimeout } = this.#ground.limits;
    let aged = 0;
    while (aged < this.#idle.length && now - (this.#idle[aged] as UpstreamConnection).idleSince >= upstreamIdleTimeout)
      aged += 1;
    for (const connection of this.#idle.splice(0, aged)) connection.destroy();
  }

  /** The table does not name it any more: idle connections go at once, the others after their exchange. */
  retire(): void {
    this.#retired = true;
    this.down = false;
    for (const connection of this.#idle.splice(0)) connection.destroy();
  }

  /** The last one that was made for the same peer: nearly always the last one of all. */
  #takeIdle(key: string | null): UpstreamConnection | undefined {
    for (let i = this.#idle.length - 1; i >= 0; i -= 1) {
      const connection = this.#idle[i] as UpstreamConnection;
      if (connection.key !== key) continue;
      if (i === this.#idle.length - 1) this.#idle.length -= 1;
      else this.#idle.splice(i, 1);
      return connection;
    }
    return undefined;
  }
}
