import type { DatabaseSync, SQLInputValue, StatementSync } from 'node:sqlite';
import type { Row } from './columns.ts';
import { type Place, readableError } from './sqlite-errors.ts';

export type Parameters = Record<string, SQLInputValue>;

/** A prepared statement whose failures are KapalErrors where the user can do something (`disk_full`, `state_damaged`). */
export class Statement {
  readonly #statement: StatementSync;
  readonly #place: Place;

  constructor(statement: StatementSync, place: Place) {
    this.#statement = statement;
    this.#place = place;
  }

  /** How many rows it changed. */
  run(parameters: Parameters = {}): number {
    return this.#try(() => Number(this.#statement.run(parameters).changes));
  }

  get(parameters: Parameters = {}): Row | undefined {
    return this.#try(() => this.#statement.get(parameters));
  }

  all(parameters: Parameters = {}): Row[] {
    return this.#try(() => this.#statement.all(parameters));
  }

  #try<T>(work: () => T): T {
    try {
      return work();
    } catch (error) {
      throw readableError(error, this.#place);
    }
  }
}

/** One connection to the record: statements, transactions that join, and a notice to the caches when a transaction was undone. */
export class Database {
  readonly #connection: DatabaseSync;
  readonly #place: Place;
  readonly #undone: (() => void)[] = [];
  #depth = 0;
  #failure: { readonly error: unknown } | null = null;

  constructor(connection: DatabaseSync, place: Place) {
    this.#connection = connection;
    this.#place = place;
  }

  prepare(sql: string): Statement {
    return new Statement(this.#connection.prepare(sql), this.#place);
  }

  /** Calls `forget` whenever what was written, and perhaps cached, has been rolled back. */
  onRollback(forget: () => void): void {
    this.#undone.push(forget);
  }

  /**
   * All or nothing. A nested one joins the outer; when it throws, the outer is rolled back too, even if its work went on:
   * half of an inner step must never be committed.
   */
  transaction<T>(work: () => T): T {
    if (this.#depth > 0) return this.#join(work);
    this.#execute('BEGIN IMMEDIATE');
    try {
      const result = this.#join(work);
      if (this.#failure !== null) throw this.#failure.error;
      this.#execute('COMMIT');
      return result;
    } catch (error) {
      // SQLite itself rolls back after some errors (full disk): then there is no transaction to end.
      if (this.#connection.isTransaction) this.#execute('ROLLBACK');
      for (const forget of this.#undone) forget();
      throw error;
    } finally {
      this.#failure = null;
    }
  }

  close(): void {
    this.#connection.close();
  }

  #join<T>(work: () => T): T {
    this.#depth += 1;
    try {
      const result = work();
      if (result instanceof Promise) throw new TypeError('a transaction cannot wait: its work must not be async');
      return result;
    } catch (error) {
      this.#failure ??= { error };
      throw error;
    } finally {
      this.#depth -= 1;
    }
  }

  #execute(sql: string): void {
    try {
      this.#connection.exec(sql);
    } catch (error) {
      throw readableError(error, this.#place);
    }
  }
}
