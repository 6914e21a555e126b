import type { EdgeCertificate } from '../certificate.ts';
import { checkTable } from '../check.ts';
import type { Edge, EdgeStatus, InFlight, PoolCounters, RouteTable } from '../port.ts';
import { splitTable } from './split.ts';

export interface CombinedEdgeOptions {
  /** Serves everything public. */
  readonly http: Edge;
  /** Serves private streams alone; started with the first stream and ended after the last. */
  readonly streams: Edge;
}

/** One edge of two engines: public traffic by an engine that knows HTTP alone, private streams by another. It bears the name of the public one. */
export function createCombinedEdge(options: CombinedEdgeOptions): Edge {
  return new CombinedEdge(options);
}

class CombinedEdge implements Edge {
  readonly name: string;
  readonly #http: Edge;
  readonly #streams: Edge;
  /** Whether the last table had streams; `null` before the first one of this daemon: then what runs is kept. */
  #wanted: boolean | null = null;
  #turn: Promise<unknown> = Promise.resolve();

  constructor({ http, streams }: CombinedEdgeOptions) {
    this.name = http.name;
    this.#http = http;
    this.#streams = streams;
  }

  async ensure(): Promise<EdgeStatus> {
    const [status] = await Promise.all([this.#http.ensure(), this.#inTurn(() => this.#ensureStreams())]);
    return this.#with(status);
  }

  isAlive(): boolean {
    return this.#http.isAlive() && (this.#wanted !== true || this.#streams.isAlive());
  }

  async apply(table: RouteTable): Promise<void> {
    const { http, streams } = splitTable(table);
    await Promise.all([this.#http.apply(http), this.#inTurn(() => this.#applyStreams(streams))]);
  }

  present(certificates: readonly EdgeCertificate[]): Promise<void> {
    return this.#http.present(certificates);
  }

  async status(): Promise<EdgeStatus> {
    return this.#with(await this.#http.status());
  }

  async inFlight(): Promise<InFlight> {
    const total = new Map(await this.#http.inFlight());
    for (const [endpoint, count] of await this.#ofStreams(() => this.#streams.inFlight(), new Map<string, number>()))
      total.set(endpoint, (total.get(endpoint) ?? 0) + count);
    return total;
  }

  stalled(): Promise<readonly string[]> {
    return this.#http.stalled();
  }

  async counters(): Promise<readonly PoolCounters[]> {
    return [...(await this.#http.counters()), ...(await this.#ofStreams(() => this.#streams.counters(), []))];
  }

  async describe(): Promise<string> {
    const http = await this.#http.describe();
    return (await this.#streamsRun()) ? `${http}\n${await this.#streams.describe()}` : http;
  }

  async check(table: RouteTable): Promise<readonly string[]> {
    return [...new Set([...checkTable(table), ...(await this.#http.check(splitTable(table).http))])];
  }

  async stop(grace: number): Promise<void> {
    this.#wanted = null;
    await Promise.all([this.#http.stop(grace), this.#inTurn(() => this.#streams.stop(grace))]);
  }

  async #ensureStreams(): Promise<void> {
    if (this.#wanted === true) await this.#streams.ensure();
    else if (await this.#streamsRun()) {
      if (this.#wanted === null) await this.#streams.ensure();
      else if ((await this.#streams.inFlight()).size === 0) await this.#streams.stop(0);
    }
  }

  async #applyStreams(table: RouteTable): Promise<void> {
    const wanted = table.streams.length > 0;
    if (wanted && this.#wanted !== true) await this.#streams.ensure();
    this.#wanted = wanted;
    if (wanted || (await this.#streamsRun())) await this.#streams.apply(table);
  }

  #streamsRun(): Promise<boolean> {
    return this.#streams.status().then(Boolean, () => false);
  }

  /** What the streams' engine says, as long as it runs. */
  async #ofStreams<T>(ask: () => Promise<T>, otherwise: T): Promise<T> {
    if (this.#wanted === true) return ask();
    return (await this.#streamsRun()) ? ask() : otherwise;
  }

  async #with(status: EdgeStatus): Promise<EdgeStatus> {
    const streams = await this.#streams.status().catch(() => null);
    return streams === null ? status : { ...status, workers: [...status.workers, ...streams.workers] };
  }

  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const result = this.#turn.then(work);
    this.#turn = result.catch(() => undefined);
    return result;
  }
}
