import type { RouteTable } from '../port.ts';
import type { WorkerAccount } from './launch.ts';
import { readTable, writeTable } from './table-file.ts';

/**
 * Brings tables to disk and then to every worker, one round at a time. Tables that are handed in during a round share the next one,
 * of which only the newest is written: a burst of changes costs two rounds. An older table never replaces a newer one.
 */
export class TablePublisher {
  readonly #path: string;
  readonly #owner: () => Promise<WorkerAccount | null>;
  readonly #push: (json: string) => Promise<void>;
  #newest: RouteTable | null = null;
  /** What the file holds; null until it was read once. */
  #saved: { readonly version: number; readonly json: string } | null = null;
  #running: Promise<void> = Promise.resolve();
  #queued: Promise<void> | null = null;

  /**
   * `push` takes a table as JSON and resolves when every live worker serves it or a newer one. `owner`: whose the file is; the daemon's
   * own user unless told.
   */
  constructor(
    path: string,
    push: (json: string) => Promise<void>,
    owner: () => Promise<WorkerAccount | null> = () => Promise.resolve(null),
  ) {
    this.#path = path;
    this.#push = push;
    this.#owner = owner;
  }

  /** Resolves when this table, or a newer one, is on disk and served by every worker. */
  publish(table: RouteTable): Promise<void> {
    if (this.#newest === null || table.version >= this.#newest.version) this.#newest = table;
    this.#queued ??= this.#begin();
    return this.#queued;
  }

  #begin(): Promise<void> {
    const round = this.#running.then(async () => {
      this.#queued = null;
      if (this.#newest !== null) await this.#push(await this.#save(this.#newest));
    });
    this.#running = round.catch(() => undefined);
    return round;
  }

  /** Answers the JSON of what the file holds afterwards: this table, or the newer one that is there. */
  async #save(table: RouteTable): Promise<string> {
    this.#saved ??= this.#read();
    if (this.#saved.version > table.version) return this.#saved.json;
    const json = JSON.stringify(table);
    if (json !== this.#saved.json) await writeTable(this.#path, json, await this.#owner());
    this.#saved = { version: table.version, json };
    return json;
  }

  /** A file that is damaged is worth nothing: the table at hand replaces it. */
  #read(): { readonly version: number; readonly json: string } {
    try {
      const table = readTable(this.#path);
      return { version: table.version, json: JSON.stringify(table) };
    } catch {
      return { version: -1, json: '' };
    }
  }
}
