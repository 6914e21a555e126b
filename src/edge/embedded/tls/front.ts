import { randomBytes } from 'node:crypto';
import type { Socket } from 'node:net';
import type { ClientGround, PlaneClient } from '../plane/plane-client.ts';
import { digestOf, readStored, type StoredCertificate, storedIds } from './certificate-folder.ts';
import { Handshake, type Presented, type Showcase } from './handshake.ts';
import { contextOf } from './profile.ts';
import { Selection } from './selection.ts';
import { readTicketSeed, type TicketSeed, ticketKeyOf, ticketPeriod } from './tickets.ts';

export interface TlsFrontOptions {
  /** Where the certificates lie. */
  readonly folder: string;
  readonly now: () => number;
  readonly report: (text: string) => void;
}

interface Entry extends StoredCertificate {
  /** Made when first asked for: of thousands of certificates few are used in one worker. */
  presented: Presented | null;
}

/** The certificates of one worker, and its door for TLS. */
export class TlsFront implements Showcase {
  readonly #options: TlsFrontOptions;
  #entries = new Map<string, Entry>();
  #selection = new Selection<Entry>([]);
  #seed: TicketSeed;
  #period = 0;
  #problems: string[] = [];

  constructor(options: TlsFrontOptions) {
    this.#options = options;
    this.#seed = { since: 0, seed: randomBytes(32).toString('hex') };
  }

  /** See `digestOf`. */
  get digest(): string {
    return digestOf([...this.#entries.keys()]);
  }

  /** Certificates that cannot be presented, in words. */
  get problems(): readonly string[] {
    return this.#problems;
  }

  /** Takes over what lies in the folder now. One file that is damaged costs its names only. */
  reload(): void {
    const entries = new Map<string, Entry>();
    const problems: string[] = [];
    for (const id of storedIds(this.#options.folder)) {
      try {
        entries.set(id, this.#entries.get(id) ?? { ...readStored(this.#options.folder, id), presented: null });
      } catch (error) {
        problems.push(`certificate ${id}: ${error instanceof Error ? error.message : String(error)}`);
      }
    }
    for (const problem of problems) this.#options.report(problem);
    this.#problems = problems;
    this.#entries = entries;
    this.#selection = new Selection(entries.values());
    this.#adoptSeed();
  }

  /** Takes a TCP connection; it becomes one of HTTP in the plane when its handshake is done. */
  accept(ground: ClientGround, socket: Socket): PlaneClient {
    return new Handshake({ ground, socket, showcase: this });
  }

  find(name: string): Presented | null {
    return this.#present(this.#selection.find(name));
  }

  findProof(name: string): Presented | null {
    return this.#present(this.#selection.findProof(name));
  }

  #present(entry: Entry | null): Presented | null {
    if (entry === null) return null;
    const period = ticketPeriod(this.#options.now());
    if (period !== this.#period) this.#forget(period);
    if (entry.presented !== null) return entry.presented;
    // A ticket is good for what it was issued for: never for other names than those of its connection.
    const scope = digestOf(entry.names);
    try {
      const context = contextOf(entry, { key: ticketKeyOf(this.#seed, period), scope });
      entry.presented = { context, names: new Set(entry.names) };
    } catch (error) {
      this.#options.report(`certificate for ${entry.names.join(', ')}: ${String(error)}`);
    }
    return entry.presented;
  }

  /** Contexts hold the key of their time. */
  #forget(period: number): void {
    this.#period = period;
    for (const entry of this.#entries.values()) entry.presented = null;
  }

  #adoptSeed(): void {
    const seed = readTicketSeed(this.#options.folder);
    if (seed === null || seed.seed === this.#seed.seed) return;
    this.#seed = seed;
    this.#forget(this.#period);
  }
}
