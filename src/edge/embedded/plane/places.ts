import { PlaceBook } from './place-book.ts';

/** One request that needs a place at an endpoint of a pool with `maxConnections`. */
export interface PlaceRequest {
  readonly pool: string;
  /** Places at each endpoint. */
  readonly limit: number;
  /** Requests that may wait in this pool. */
  readonly queue: number;
  /** Endpoints that would do, the best first. */
  readonly order: readonly string[];
  /** A place is held at this endpoint, until it is given back. May be called before `ask` returns. */
  granted(endpoint: string): void;
  /** None is free, and the queue is full. May be called before `ask` returns. */
  refused(): void;
}

/**
 * Places at endpoints with `maxConnections`, counted over all workers. Pools without a limit never come here.
 * Exactly one of `granted` and `refused` is called, once, unless the request is withdrawn before.
 */
export interface Places {
  /** From now on places are counted; `held` tells at any moment what this worker has under way, by endpoint. Once. */
  start(held: () => ReadonlyMap<string, number>): void;
  /** Asks; or, for a request that waits, replaces what would do, without loss of its turn. */
  ask(request: PlaceRequest, order?: readonly string[]): void;
  withdraw(request: PlaceRequest): void;
  /** Places that were taken without asking (above 0) or given back (below). */
  change(endpoint: string, by: number): void;
  /** Ends all timers and connections. */
  close(): void;
}

/** Places of a worker that is alone. */
export class OwnPlaces implements Places {
  readonly #book = new PlaceBook(true);
  readonly #ids = new Map<PlaceRequest, number>();
  readonly #requests = new Map<number, PlaceRequest>();
  readonly #holder = {
    granted: (id: number, endpoint: string) => {
      const request = this.#settle(id);
      if (request === undefined) this.#book.change(this.#holder, endpoint, -1);
      else request.granted(endpoint);
    },
    refused: (id: number) => this.#settle(id)?.refused(),
    queued: () => undefined,
  };
  #next = 0;

  start(held: () => ReadonlyMap<string, number>): void {
    this.#book.join(this.#holder, held());
  }

  ask(request: PlaceRequest, order = request.order): void {
    let id = this.#ids.get(request);
    if (id === undefined) {
      id = this.#next;
      this.#next += 1;
      this.#ids.set(request, id);
      this.#requests.set(id, request);
    }
    const { pool, limit, queue } = request;
    this.#book.ask(this.#holder, { id, pool, limit, queue, order });
  }

  withdraw(request: PlaceRequest): void {
    const id = this.#ids.get(request);
    if (id === undefined) return;
    this.#settle(id);
    this.#book.withdraw(this.#holder, id);
  }

  change(endpoint: string, by: number): void {
    this.#book.change(this.#holder, endpoint, by);
  }

  close(): void {
    this.#book.leave(this.#holder);
  }

  #settle(id: number): PlaceRequest | undefined {
    const request = this.#requests.get(id);
    this.#requests.delete(id);
    if (request !== undefined) this.#ids.delete(request);
    return request;
  }
}
