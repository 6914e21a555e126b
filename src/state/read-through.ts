import type { Database } from './database.ts';

/**
 * What was read, kept until it is written. One daemon owns the file, so nothing else changes it: every write drops its key here, a
 * rollback drops everything, and what is missing is read again. Equal to the file by construction.
 */
export class ReadThrough<Key, Value extends object> {
  readonly #known = new Map<Key, Value>();

  constructor(database: Database) {
    database.onRollback(() => this.#known.clear());
  }

  /** What is not there is not kept: anybody may ask for any name. */
  get<Found extends Value | null>(key: Key, read: () => Found): Value | Found {
    const known = this.#known.get(key);
    if (known !== undefined) return known;
    const value = read();
    if (value !== null) this.#known.set(key, value);
    return value;
  }

  drop(key: Key): void {
    this.#known.delete(key);
  }

  clear(): void {
    this.#known.clear();
  }
}
