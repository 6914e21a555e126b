import type { ProxyPool } from '../../pool.ts';
import type { EndpointState } from './endpoint.ts';
import type { Ground } from './ground.ts';
import type { Member } from './member.ts';
import { PlaceWait } from './place-wait.ts';
import type { Choice, PoolState } from './pool.ts';
import type { ProxiedExchange } from './proxied-exchange.ts';

/** Who wants an endpoint. Either may be called before `next` returns. */
export interface Searcher {
  found(member: Member, pool: PoolState, config: ProxyPool): void;
  /** There is none, or none with room: the status of the answer, and after how many seconds it is worth another try. */
  none(status: number, retryAfter?: number): void;
}

/** Seconds after which those who were refused may come again: not all at once. */
const longestRetry = 3;

/** One request's search for endpoints: for the first try, and for others after it. */
export class EndpointSearch {
  readonly #ground: Ground;
  readonly #exchange: ProxiedExchange;
  readonly #searcher: Searcher;
  readonly #tried: EndpointState[] = [];
  /** The endpoint that the sticky cookie names. */
  #preferred: Member | null = null;
  /** While a place is waited for. */
  #wait: PlaceWait | null = null;

  constructor(ground: Ground, exchange: ProxiedExchange, searcher: Searcher) {
    this.#ground = ground;
    this.#exchange = exchange;
    this.#searcher = searcher;
  }

  get tried(): readonly EndpointState[] {
    return this.#tried;
  }

  /** Looks among the endpoints of the present table. */
  next(): void {
    const pool = this.#exchange.pool();
    const config = pool?.config;
    const isEmpty = pool?.members.length === 0;
    if (pool === null || config?.kind !== 'proxy' || (isEmpty && config.waitForEndpoint === undefined)) {
      // A service that is started soon, or stopped.
      this.#none(1);
      return;
    }
    if (this.#tried.length === 0) pool.budget.arrived(this.#ground.clock.now);
    if (isEmpty || config.maxConnections !== undefined) {
      this.#queue(pool, config);
      return;
    }
    const member = pool.choose(config, this.#choice(pool, config));
    if (member !== null) this.#found(member, pool, config);
    else if (pool.refuses()) this.#searcher.none(503, 1 + Math.floor(Math.random() * longestRetry));
    else this.#none();
  }

  /** Looks at the deadline of the queue. `true`: a place is waited for. */
  sweep(now: number): boolean {
    this.#wait?.sweep(now);
    return this.#wait !== null;
  }

  /** The request is over. */
  end(): void {
    this.#wait?.withdraw();
    this.#wait = null;
  }

  /**
   * The cookie that the visitor is to be given with the answer of `member`; `null`: it has the right one, or one of an endpoint that was
   * only full for once.
   */
  cookieFor(member: Member): string | null {
    const preferred = this.#preferred;
    if (preferred === null) return member.cookie;
    const stays = preferred.endpoint === member.endpoint || preferred.fits(this.#ground.clock.now, this.#tried);
    return stays ? null : member.cookie;
  }

  #choice(pool: PoolState, config: ProxyPool): Choice {
    this.#preferred = config.sticky === undefined ? null : pool.preferred(config, this.#exchange.request.fields);
    return {
      now: this.#ground.clock.now,
      tried: this.#tried,
      client: this.#exchange.remoteHash,
      preferred: this.#preferred,
    };
  }

  /** Asks for a place at one of the endpoints, all of which may be at their limit, or that are still to come. */
  #queue(pool: PoolState, config: ProxyPool): void {
    const wait = new PlaceWait(this.#ground, {
      pool,
      config,
      choice: () => this.#choice(pool, config),
      ended: (member, cause) => {
        if (this.#wait === wait) this.#wait = null;
        if (member !== null) this.#found(member, pool, config);
        else if (cause === 'again') this.next();
        else this.#none(1);
      },
    });
    this.#wait = wait;
    wait.begin();
  }

  #found(member: Member, pool: PoolState, config: ProxyPool): void {
    this.#tried.push(member.endpoint);
    this.#searcher.found(member, pool, config);
  }

  #none(retryAfter?: number): void {
    if (this.#tried.length > 0) this.#searcher.none(502);
    else this.#searcher.none(503, retryAfter);
  }
}
