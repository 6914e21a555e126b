import type { Agenda } from './agenda.ts';
import type { Noise } from '../noise.ts';

/** What a daemon knows of the edge: lost with the daemon. */
interface Knowledge {
  confirmed: { readonly version: number; readonly names: ReadonlySet<string> } | null;
  /** Sent and not confirmed, newer than the confirmed. */
  pending: { readonly version: number; readonly names: ReadonlySet<string> }[];
  /** Requests under way at endpoints that left the confirmed table, as read since. */
  readonly inFlight: Map<string, number>;
}

/**
 * An edge across an unreliable wire: tables arrive late, in any order or never, and so do their confirmations. It serves the newest table
 * that arrived. Endpoints are runs, so a new attempt of an instance is a new endpoint.
 */
export class SimulatedEdge {
  /** What it serves. */
  names: ReadonlySet<string> = new Set();
  faults: number;
  readonly #agenda: Agenda;
  readonly #noise: Noise;
  readonly #longestRequest: number;
  readonly #told: (names: ReadonlySet<string>, desired: number) => void;
  readonly #changed: () => void;
  /** Until when requests are under way at endpoints that left the table. */
  readonly #busyUntil = new Map<string, number>();
  #served = 0;
  #version = 0;
  #knowledge: Knowledge = { confirmed: null, pending: [], inFlight: new Map() };

  constructor(options: {
    agenda: Agenda;
    noise: Noise;
    faults: number;
    longestRequest: number;
    /** The edge is about to serve these, sent when so many instances were wanted. */
    told: (names: ReadonlySet<string>, desired: number) => void;
    /** The daemon has learnt something. */
    changed: () => void;
  }) {
    this.#agenda = options.agenda;
    this.#noise = options.noise;
    this.faults = options.faults;
    this.#longestRequest = options.longestRequest;
    this.#told = options.told;
    this.#changed = options.changed;
  }

  /** The daemon died: the edge goes on, what was known of it is lost. */
  forgetDaemon(): void {
    this.#knowledge = { confirmed: null, pending: [], inFlight: new Map() };
  }

  inTable(endpoint: string): boolean | null {
    const { confirmed, pending } = this.#knowledge;
    if (confirmed === null) return null;
    const named = confirmed.names.has(endpoint);
    return pending.every((table) => table.names.has(endpoint) === named) ? named : null;
  }

  inFlight(endpoint: string): number | null {
    return this.#knowledge.inFlight.get(endpoint) ?? null;
  }

  /** Sends the table where it differs from the last one sent; goes on until one is confirmed. */
  want(names: readonly string[], desired: number): void {
    const last = this.#knowledge.pending.at(-1) ?? this.#knowledge.confirmed;
    if (last !== null && last.names.size === names.length && names.every((name) => last.names.has(name))) return;
    this.#send(new Set(names), desired);
  }

  #send(names: ReadonlySet<string>, desired: number): void {
    this.#version += 1;
    const table = { version: this.#version, names };
    const knowledge = this.#knowledge;
    knowledge.pending.push(table);
    const lost = this.#noise.chance(this.faults);
    if (!lost) this.#agenda.plan(this.#delay(), () => this.#arrive(table, desired, knowledge));
    this.#agenda.plan(400, () => {
      const stillNewest = knowledge.pending.at(-1) === table;
      if (knowledge === this.#knowledge && stillNewest) this.#send(names, desired);
    });
  }

  #delay(): number {
    return this.#noise.chance(this.faults) ? this.#noise.between(20, 900) : this.#noise.between(1, 15);
  }

  #arrive(table: { version: number; names: ReadonlySet<string> }, desired: number, knowledge: Knowledge): void {
    if (table.version > this.#served) {
      this.#told(table.names, desired);
      for (const name of this.names) {
        if (!table.names.has(name))
          this.#busyUntil.set(name, this.#agenda.now + this.#noise.between(0, this.#longestRequest));
      }
      this.#served = table.version;
      this.names = table.names;
    }
    if (this.#noise.chance(this.faults)) return;
    this.#agenda.plan(this.#delay(), () => this.#confirm(table, knowledge));
  }

  #confirm(table: { version: number; names: ReadonlySet<string> }, knowledge: Knowledge): void {
    if (knowledge !== this.#knowledge || table.version <= (knowledge.confirmed?.version ?? 0)) return;
    knowledge.confirmed = table;
    knowledge.pending = knowledge.pending.filter((other) => other.version > table.version);
    for (const name of table.names) knowledge.inFlight.delete(name);
    this.#changed();
  }

  /** Reads what is under way at an endpoint that the confirmed table does not name, until it is nothing. */
  watch(endpoint: string): void {
    const knowledge = this.#knowledge;
    if (knowledge.inFlight.has(endpoint) || this.inTable(endpoint) !== false) return;
    knowledge.inFlight.set(endpoint, 1);
    this.#agenda.plan(this.#noise.between(1, 100), () => this.#read(endpoint, knowledge));
  }

  #read(endpoint: string, knowledge: Knowledge): void {
    if (knowledge !== this.#knowledge || !knowledge.inFlight.has(endpoint)) return;
    const left = (this.#busyUntil.get(endpoint) ?? 0) - this.#agenda.now;
    if (left > 0) {
      this.#agenda.plan(left + this.#noise.between(1, 100), () => this.#read(endpoint, knowledge));
      return;
    }
    knowledge.inFlight.set(endpoint, 0);
    this.#changed();
  }
}
