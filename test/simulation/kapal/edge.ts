import type { Edge, EdgeStatus, RouteTable } from '../../../src/edge/port.ts';
import { KapalError } from '../../../src/model/errors.ts';
import type { Noise } from '../noise.ts';
import type { Faults } from './faults.ts';
import type { Time } from './time.ts';

export interface EdgeEvents {
  /** A daemon sends a table, made from the record as it is now. */
  readonly sent: (table: RouteTable) => void;
  /** A worker is about to go from one table to another. */
  readonly changes: (before: RouteTable, after: RouteTable) => void;
  /** Requests there wait for an answer that does not come. */
  readonly isStalled: (endpoint: string) => boolean;
}

const nothing: RouteTable = { version: 0, routes: [], pools: [], streams: [] };
/** Milliseconds that the last requests take at an endpoint that has left the table. */
const longestRequest = 4_000;

/** Two workers that take tables one after the other, and serve what they have while the daemon is dead. */
export class EdgeProcesses {
  readonly #time: Time;
  readonly #noise: Noise;
  readonly #events: EdgeEvents;
  readonly #workers: RouteTable[] = [nothing, nothing];
  #disk = nothing;
  #runs = false;
  /** Since when it runs. */
  #since = 0;
  /** Until when requests are under way at endpoints that left. */
  readonly #busyUntil = new Map<string, number>();

  constructor(parts: { readonly time: Time; readonly noise: Noise; readonly events: EdgeEvents }) {
    this.#time = parts.time;
    this.#noise = parts.noise;
    this.#events = parts.events;
  }

  /** What each worker serves; none where the edge is dead. */
  get tables(): readonly RouteTable[] {
    return this.#runs ? this.#workers : [];
  }

  get since(): number {
    return this.#runs ? this.#since : Number.POSITIVE_INFINITY;
  }

  names(endpoint: string): boolean {
    return this.#named().has(endpoint);
  }

  /** Every process of it is killed. */
  crash(): void {
    this.#runs = false;
  }

  /** As one life of the daemon has it. */
  drive(faults: Faults, isAlive: () => boolean): Edge {
    return {
      name: 'simulated',
      ensure: () => Promise.resolve(this.#ensure()),
      isAlive: () => this.#runs,
      apply: (table) => this.#apply(table, faults, isAlive),
      present: () => Promise.resolve(),
      status: () => Promise.resolve(this.#status()),
      inFlight: () => faults.look(() => this.#inFlight()),
      stalled: () => Promise.resolve([...this.#named()].filter((endpoint) => this.#events.isStalled(endpoint))),
      counters: () => Promise.resolve([]),
      describe: () => Promise.resolve(''),
      check: () => Promise.resolve([]),
      stop: () => Promise.reject(new KapalError('internal', 'nobody stops the simulated edge')),
    };
  }

  #named(): Set<string> {
    return new Set(this.tables.flatMap((table) => [...endpointsOf(table)]));
  }

  #ensure(): EdgeStatus {
    if (!this.#runs) {
      this.#runs = true;
      this.#since = this.#time.elapsed;
      this.#workers.fill(this.#disk);
    }
    return this.#status();
  }

  /** Reaches the workers one after the other; a daemon that dies in between leaves them apart. */
  async #apply(table: RouteTable, faults: Faults, isAlive: () => boolean): Promise<void> {
    this.#events.sent(table);
    await faults.effect(isAlive, () => {
      this.#status();
      if (table.version >= this.#disk.version) this.#disk = table;
    });
    for (const index of this.#workers.keys()) {
      await faults.effect(isAlive, () => {
        this.#status();
        this.#take(index, table);
      });
    }
  }

  #take(index: number, table: RouteTable): void {
    const before = this.#workers[index] ?? nothing;
    if (table.version < before.version) return;
    this.#events.changes(before, table);
    const after = endpointsOf(table);
    for (const endpoint of endpointsOf(before))
      if (!after.has(endpoint))
        this.#busyUntil.set(endpoint, this.#time.elapsed + this.#noise.between(0, longestRequest));
    this.#workers[index] = table;
  }

  #inFlight(): Map<string, number> {
    const busy = [...this.#busyUntil].filter(([, until]) => until > this.#time.elapsed);
    return new Map(busy.map(([endpoint]) => [endpoint, 1]));
  }

  #status(): EdgeStatus {
    if (!this.#runs) throw new KapalError('edge_failed', 'simulated: the edge does not run');
    const workers = this.#workers.map(({ version }, index) => ({ pid: index + 1, version, residentBytes: 1 }));
    return {
      engine: 'simulated',
      addresses: { http: '127.0.0.1:8080', https: null },
      workers,
      shed: {},
      overloaded: [],
    };
  }
}

export function endpointsOf(table: RouteTable): Set<string> {
  return new Set(table.pools.flatMap((pool) => (pool.kind === 'proxy' ? pool.endpoints.map(({ id }) => id) : [])));
}
