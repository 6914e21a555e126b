import type { Clock } from '../../lib/clock.ts';
import { KapalError } from '../../model/errors.ts';
import type { EdgeCertificate } from '../certificate.ts';
import type { Edge, EdgeAddresses, EdgeStatus, InFlight, PoolCounters, RouteTable } from '../port.ts';

/** An edge in memory: for the simulator, and for tests of what drives an edge. */
export interface SimulatedEdge extends Edge {
  /** The table that the simulated workers serve; version 0 before the first. */
  serving(): RouteTable;
  /** Milliseconds of the clock that `apply` takes from now on. */
  setDelay(milliseconds: number): void;
  /** Every `ensure` and `apply` fails with `edge_failed` and this message until it is null again; an apply under way fails at its end. */
  setFailure(message: string | null): void;
  /** What `inFlight` answers for an endpoint; 0 forgets it. */
  setInFlight(endpoint: string, count: number): void;
  /** What `stalled` answers from now on. */
  setStalled(endpoints: readonly string[]): void;
  /** The certificates that the simulated workers present. */
  presented(): readonly EdgeCertificate[];
  /** As if every process of the edge was killed: the table stays on its disk. */
  crash(): void;
}

export function createSimulatedEdge(options: {
  readonly clock: Clock;
  readonly addresses?: EdgeAddresses;
  readonly workers?: number;
}): SimulatedEdge {
  return new EdgeInMemory(options);
}

const emptyTable: RouteTable = { version: 0, routes: [], pools: [], streams: [] };
const workerBytes = 64 << 20;

class EdgeInMemory implements SimulatedEdge {
  readonly name = 'simulated';
  readonly #clock: Clock;
  readonly #addresses: EdgeAddresses;
  readonly #workers: number;
  #running = false;
  #serving = emptyTable;
  #disk = emptyTable;
  #delay = 0;
  #failure: string | null = null;
  #inFlight = new Map<string, number>();
  #stalled: readonly string[] = [];
  #certificates: readonly EdgeCertificate[] = [];

  constructor(options: { readonly clock: Clock; readonly addresses?: EdgeAddresses; readonly workers?: number }) {
    this.#clock = options.clock;
    this.#addresses = options.addresses ?? { http: '127.0.0.1:8080', https: null };
    this.#workers = options.workers ?? 2;
  }

  async ensure(): Promise<EdgeStatus> {
    this.#refuse();
    if (!this.#running) {
      this.#running = true;
      this.#serving = this.#disk;
    }
    return await this.status();
  }

  isAlive(): boolean {
    return this.#running;
  }

  async apply(table: RouteTable): Promise<void> {
    this.#refuse();
    this.#needRunning();
    const problems = await this.check(table);
    if (problems.length > 0) throw new KapalError('edge_failed', problems.join('; '));
    if (table.version >= this.#disk.version) this.#disk = table;
    if (this.#delay > 0) await this.#pass(this.#delay);
    this.#refuse();
    this.#needRunning();
    if (table.version >= this.#serving.version) this.#serving = table;
  }

  async status(): Promise<EdgeStatus> {
    this.#needRunning();
    const worker = (_: unknown, index: number) => ({
      pid: index + 1,
      version: this.#serving.version,
      residentBytes: workerBytes,
    });
    const workers = Array.from({ length: this.#workers }, worker);
    return await Promise.resolve({ engine: this.name, addresses: this.#addresses, workers, shed: {}, overloaded: [] });
  }

  async present(certificates: readonly EdgeCertificate[]): Promise<void> {
    this.#refuse();
    this.#needRunning();
    const unsound = certificates.find(({ chain, key }) => !chain.includes('-----BEGIN') || !key.includes('-----BEGIN'));
    if (unsound !== undefined)
      throw new KapalError('edge_failed', `The certificate ${unsound.id} of ${unsound.names.join(', ')} is not sound`);
    await this.#pass(this.#delay);
    this.#certificates = certificates;
  }

  presented(): readonly EdgeCertificate[] {
    return this.#certificates;
  }

  stalled(): Promise<readonly string[]> {
    return Promise.resolve(this.#stalled);
  }

  setStalled(endpoints: readonly string[]): void {
    this.#stalled = endpoints;
  }

  inFlight(): Promise<InFlight> {
    return Promise.resolve(new Map(this.#inFlight));
  }

  counters(): Promise<readonly PoolCounters[]> {
    const counters = this.#serving.pools.map(({ id }) => ({
      pool: id,
      requests: 0,
      retries: 0,
      ejections: 0,
      shed: 0,
    }));
    return Promise.resolve(this.#running ? counters : []);
  }

  describe(): Promise<string> {
    const routes = this.#serving.routes.map((route) => `${route.host}${route.path} -> ${route.pool}`);
    return Promise.resolve(`${[`simulated edge, version ${this.#serving.version}`, ...routes].join('\n')}\n`);
  }

  check(table: RouteTable): Promise<readonly string[]> {
    const pools = new Set(table.pools.map((pool) => pool.id));
    const routes = table.routes.map((route) => `${route.host}${route.path}`);
    const targets = [...table.routes, ...table.streams].map((target) => target.pool);
    return Promise.resolve([
      ...routes
        .filter((route, index) => routes.indexOf(route) !== index)
        .map((route) => `route ${route} is there twice`),
      ...targets.filter((pool) => !pools.has(pool)).map((pool) => `there is no pool ${pool}`),
    ]);
  }

  stop(_grace: number): Promise<void> {
    this.#running = false;
    this.#inFlight.clear();
    return Promise.resolve();
  }

  serving(): RouteTable {
    return this.#serving;
  }

  setDelay(milliseconds: number): void {
    this.#delay = milliseconds;
  }

  setFailure(message: string | null): void {
    this.#failure = message;
  }

  setInFlight(endpoint: string, count: number): void {
    if (count === 0) this.#inFlight.delete(endpoint);
    else this.#inFlight.set(endpoint, count);
  }

  crash(): void {
    this.#running = false;
    this.#inFlight.clear();
  }

  #refuse(): void {
    if (this.#failure !== null) throw new KapalError('edge_failed', this.#failure);
  }

  #needRunning(): void {
    if (!this.#running) throw new KapalError('edge_failed', 'The simulated edge does not run');
  }

  #pass(milliseconds: number): Promise<void> {
    return new Promise((resolve) => this.#clock.after(milliseconds, resolve));
  }
}
