/** A worker as the book sees it. Calls may come while the book is being asked. */
export interface PlaceHolder {
  granted(id: number, endpoint: string): void;
  refused(id: number): void;
  /** It waits. */
  queued(id: number): void;
}

export interface PlaceAsk {
  /** The holder's own number of the request. Asking again with the same one replaces `order` and keeps the turn. */
  readonly id: number;
  readonly pool: string;
  readonly limit: number;
  readonly queue: number;
  readonly order: readonly string[];
}

interface Waiter {
  readonly holder: PlaceHolder;
  ask: PlaceAsk;
}

/**
 * Who holds how many places at which endpoint, and who waits for one: the one truth for all workers, so that neither limits nor queues
 * are overrun. Places of a holder that leaves are free at once.
 *
 *   asked --room--> held --given back--> free, to the first who waits for it
 *     |  `--no room, queue not full--> waiting --room--> held
 *     `--no room, queue full--> refused
 *
 * Until it is opened everybody waits: a book that begins after another's death has to hear first what is held.
 */
export class PlaceBook {
  /** By endpoint. */
  readonly #taken = new Map<string, number>();
  readonly #held = new Map<PlaceHolder, Map<string, number>>();
  /** In the order of their coming. */
  readonly #waiting = new Set<Waiter>();
  readonly #waiters = new Map<PlaceHolder, Map<number, Waiter>>();
  /** By endpoint, each in the order of coming. */
  readonly #wanted = new Map<string, Set<Waiter>>();
  /** By pool. */
  readonly #queued = new Map<string, number>();
  #open: boolean;

  constructor(open: boolean) {
    this.#open = open;
  }

  /** `held`: what is under way there already. */
  join(holder: PlaceHolder, held: ReadonlyMap<string, number>): void {
    this.#held.set(holder, new Map());
    this.#waiters.set(holder, new Map());
    for (const [endpoint, count] of held) this.change(holder, endpoint, count);
  }

  leave(holder: PlaceHolder): void {
    for (const waiter of this.#waiters.get(holder)?.values() ?? []) this.#forget(waiter);
    this.#waiters.delete(holder);
    const held = this.#held.get(holder) ?? new Map<string, number>();
    this.#held.delete(holder);
    for (const [endpoint, count] of held) this.#take(endpoint, -count);
    for (const endpoint of held.keys()) this.#offer(endpoint);
  }

  open(): void {
    this.#open = true;
    for (const waiter of this.#waiting) this.#tryWaiter(waiter);
    for (const waiter of [...this.#waiting].reverse()) {
      if ((this.#queued.get(waiter.ask.pool) ?? 0) <= waiter.ask.queue || !this.#waiting.has(waiter)) continue;
      this.#forget(waiter);
      waiter.holder.refused(waiter.ask.id);
    }
  }

  ask(holder: PlaceHolder, ask: PlaceAsk): void {
    const known = this.#waiters.get(holder)?.get(ask.id);
    if (known !== undefined) {
      this.#renew(known, ask);
      return;
    }
    if (this.#open && this.#seat(holder, ask)) return;
    const queued = this.#queued.get(ask.pool) ?? 0;
    if (this.#open && queued >= ask.queue) {
      holder.refused(ask.id);
      return;
    }
    const waiter = { holder, ask };
    this.#queued.set(ask.pool, queued + 1);
    this.#waiting.add(waiter);
    this.#waiters.get(holder)?.set(ask.id, waiter);
    for (const endpoint of ask.order) this.#want(endpoint, waiter);
    holder.queued(ask.id);
  }

  withdraw(holder: PlaceHolder, id: number): void {
    const waiter = this.#waiters.get(holder)?.get(id);
    if (waiter !== undefined) this.#forget(waiter);
  }

  change(holder: PlaceHolder, endpoint: string, by: number): void {
    const held = this.#held.get(holder);
    if (held === undefined) return;
    const before = held.get(endpoint) ?? 0;
    const after = Math.max(0, before + by);
    if (after === 0) held.delete(endpoint);
    else held.set(endpoint, after);
    this.#take(endpoint, after - before);
    if (after < before) this.#offer(endpoint);
  }

  /** Gives the first endpoint of its order that has room. */
  #seat(holder: PlaceHolder, { id, order, limit }: PlaceAsk): boolean {
    for (const endpoint of order) {
      if ((this.#taken.get(endpoint) ?? 0) >= limit) continue;
      this.change(holder, endpoint, 1);
      holder.granted(id, endpoint);
      return true;
    }
    return false;
  }

  #renew(waiter: Waiter, ask: PlaceAsk): void {
    for (const endpoint of waiter.ask.order) if (!ask.order.includes(endpoint)) this.#unwant(endpoint, waiter);
    for (const endpoint of ask.order) this.#want(endpoint, waiter);
    waiter.ask = ask;
    if (this.#open) this.#tryWaiter(waiter);
  }

  /** Seats one who waits, if there is room. */
  #tryWaiter(waiter: Waiter): void {
    const { holder, ask } = waiter;
    if (!ask.order.some((endpoint) => (this.#taken.get(endpoint) ?? 0) < ask.limit)) return;
    this.#forget(waiter);
    this.#seat(holder, ask);
  }

  /** A place has come free: the first whose limit has room for it gets it. */
  #offer(endpoint: string): void {
    if (!this.#open) return;
    // Those who are forgotten meanwhile are not met: a Set lets itself be changed while it is gone through.
    for (const waiter of this.#wanted.get(endpoint) ?? []) {
      if ((this.#taken.get(endpoint) ?? 0) >= waiter.ask.limit) return;
      this.#forget(waiter);
      this.change(waiter.holder, endpoint, 1);
      waiter.holder.granted(waiter.ask.id, endpoint);
    }
  }

  #take(endpoint: string, by: number): void {
    const taken = (this.#taken.get(endpoint) ?? 0) + by;
    if (taken === 0) this.#taken.delete(endpoint);
    else this.#taken.set(endpoint, taken);
  }

  #want(endpoint: string, waiter: Waiter): void {
    const wanted = this.#wanted.get(endpoint);
    if (wanted === undefined) this.#wanted.set(endpoint, new Set([waiter]));
    else wanted.add(waiter);
  }

  #unwant(endpoint: string, waiter: Waiter): void {
    const wanted = this.#wanted.get(endpoint);
    wanted?.delete(waiter);
    if (wanted?.size === 0) this.#wanted.delete(endpoint);
  }

  #forget(waiter: Waiter): void {
    const { holder, ask } = waiter;
    if (!this.#waiting.delete(waiter)) return;
    this.#waiters.get(holder)?.delete(ask.id);
    for (const endpoint of ask.order) this.#unwant(endpoint, waiter);
    const queued = (this.#queued.get(ask.pool) ?? 1) - 1;
    if (queued === 0) this.#queued.delete(ask.pool);
    else this.#queued.set(ask.pool, queued);
  }
}
