import type { ProxyPool } from '../../pool.ts';
import type { Ground } from './ground.ts';
import type { Member } from './member.ts';
import type { PlaceRequest } from './places.ts';
import type { Choice, PoolState } from './pool.ts';

/** Where nothing waits in a queue: for the word of the worker that keeps the places, which may just be replaced. Milliseconds. */
const patience = 3_000;

export interface PlaceWaiter {
  readonly pool: PoolState;
  readonly config: ProxyPool;
  choice(): Choice;
  /** Once. `again`: the place that came is at an endpoint that should not be used any more. */
  ended(member: Member | null, cause: 'place' | 'full' | 'again'): void;
}

/** A request that waits for a place at an endpoint, or for the first endpoint of a pool that has none (`order` is empty then). Endpoints that come, go or recover meanwhile change what it waits for. */
export class PlaceWait implements PlaceRequest {
  readonly #ground: Ground;
  readonly #waiter: PlaceWaiter;
  readonly #deadline: number;
  readonly pool: string;
  limit: number;
  readonly queue: number;
  order: readonly string[] = [];
  #over = false;

  constructor(ground: Ground, waiter: PlaceWaiter) {
    const { id } = waiter.config;
    const queue = waiter.pool.members.length === 0 ? waiter.config.waitForEndpoint : waiter.config.queue;
    this.#ground = ground;
    this.#waiter = waiter;
    this.#deadline = ground.clock.now + (queue === undefined ? patience : queue.timeout);
    this.pool = id;
    this.limit = this.#limit();
    this.queue = queue?.size ?? 0;
  }

  begin(): void {
    this.order = this.#able();
    this.#ground.places.ask(this);
  }

  granted(id: string): void {
    if (this.#over) return;
    this.#over = true;
    const member = this.#waiter.pool.members.find(({ endpoint }) => endpoint.id === id);
    if (member === undefined || !member.endpoint.counted || !this.order.includes(id)) {
      this.#ground.places.change(id, -1);
      this.#waiter.ended(null, 'again');
    } else this.#waiter.ended(member, 'place');
  }

  refused(): void {
    if (this.#over) return;
    this.#over = true;
    this.#waiter.ended(null, 'full');
  }

  withdraw(): void {
    this.#over = true;
    this.#ground.places.withdraw(this);
  }

  sweep(now: number): void {
    if (this.#over) return;
    if (now >= this.#deadline) {
      this.withdraw();
      this.#waiter.ended(null, 'full');
      return;
    }
    if (!this.#isWorthIt()) {
      this.withdraw();
      this.#waiter.ended(null, 'again');
      return;
    }
    const able = this.#able();
    const limit = this.#limit();
    if (limit === this.limit && able.toSorted().join('\n') === this.order.toSorted().join('\n')) return;
    this.order = able;
    this.limit = limit;
    this.#ground.places.ask(this);
  }

  /** By the present table: an endpoint is waited for while there is none; then for a place, where places are counted. */
  #isWorthIt(): boolean {
    const { pool } = this.#waiter;
    const { config } = pool;
    if (pool.retired || config.kind !== 'proxy') return false;
    return pool.members.length === 0 ? config.waitForEndpoint !== undefined : config.maxConnections !== undefined;
  }

  /** Of the present table. */
  #limit(): number {
    const { config } = this.#waiter.pool;
    return (config.kind === 'proxy' ? config.maxConnections : undefined) ?? Number.MAX_SAFE_INTEGER;
  }

  #able(): string[] {
    const { pool, config } = this.#waiter;
    return pool.choices(config, this.#waiter.choice()).map(({ endpoint }) => endpoint.id);
  }
}
