import assert from 'node:assert/strict';
import { appendFileSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ServiceId } from '../../src/model/service.ts';
import type { LogLine, LogLoss, LogSource, LogStore } from '../../src/observe/logs/port.ts';
import { type LogStoreOptions, openLogStore } from '../../src/observe/logs/store.ts';
import { seen } from '../patience.ts';

export const api = 'shop/production/api' as ServiceId;
export const web = 'shop/production/web' as ServiceId;

/** A log store in a folder of its own, with files that runs append to. */
export class Logs implements AsyncDisposable {
  readonly folder = mkdtempSync(join(tmpdir(), 'kapal-logs-'));
  readonly path = join(this.folder, 'logs.db');
  readonly warnings: string[] = [];
  readonly losses: LogLoss[] = [];
  #store: LogStore | null = null;

  static async open(options: Partial<LogStoreOptions> = {}): Promise<Logs> {
    const logs = new Logs();
    await logs.reopen(options);
    return logs;
  }

  get store(): LogStore {
    assert.ok(this.#store !== null);
    return this.#store;
  }

  /** As a daemon that was stopped in good order and started again. */
  async reopen(options: Partial<LogStoreOptions> = {}): Promise<void> {
    await this.#store?.close();
    this.#store = null;
    const warn = (message: string): void => void this.warnings.push(message);
    const dropped = (loss: LogLoss): void => void this.losses.push(loss);
    this.#store = await openLogStore({ path: this.path, warn, dropped, ...options });
  }

  async close(): Promise<void> {
    await this.#store?.close();
    this.#store = null;
  }

  source(change: Partial<LogSource> & { run: string }): LogSource {
    return {
      path: this.pathOf(change.run),
      service: api,
      kind: 'app',
      instance: 'i1',
      release: 3,
      masks: [],
      ...change,
    };
  }

  /** The file of a run that begins after so many bytes of its output. */
  pathOf(run: string, after = 0): string {
    return join(this.folder, after === 0 ? `${run}.log` : `${run}.log.${after}`);
  }

  append(run: string, content: string | Uint8Array, after = 0): void {
    appendFileSync(this.pathOf(run, after), content);
  }

  async texts(query: Partial<Parameters<LogStore['query']>[0]> = {}): Promise<string[]> {
    return (await this.lines(query)).map((line) => line.text);
  }

  lines(query: Partial<Parameters<LogStore['query']>[0]> = {}): Promise<readonly LogLine[]> {
    return this.store.query({ limit: 1_000_000, ...query });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
    rmSync(this.folder, { recursive: true, force: true });
  }
}

/** Looks until it is so; fails with what it saw last. */
export async function until<T>(what: string, look: () => Promise<T> | T, good: (seen: T) => boolean): Promise<T> {
  let last: T | undefined;
  const goodOne = async (): Promise<{ readonly value: T } | null> => {
    last = await look();
    return good(last) ? { value: last } : null;
  };
  return (await seen(() => `${what}: last seen ${String(last)}`, goodOne)).value;
}
