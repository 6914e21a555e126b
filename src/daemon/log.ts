import { closeSync, fstatSync, mkdirSync, openSync, renameSync, writeSync } from 'node:fs';
import { dirname } from 'node:path';
import { pino } from 'pino';
import { isMissing } from '../lib/files.ts';
import type { Log } from '../lib/log.ts';

/** Bytes after which the daemon's log is set aside; one former log is kept. */
const largest = 10 * 1024 * 1024;

/** The daemon's own log: JSON lines in a file, written synchronously so that the last words before a crash are there. */
export function openDaemonLog(path: string, limit = largest): Log {
  return pino(
    { base: null, redact: { paths: ['token', '*.token', 'authorization'], censor: '[secret]' } },
    new BoundedFile(path, limit),
  );
}

/** A file that lines are appended to, set aside as `.1` when it has grown to its limit. A disk that is full costs lines, never the daemon. */
class BoundedFile {
  readonly #path: string;
  readonly #limit: number;
  #descriptor: number;
  #size: number;

  constructor(path: string, limit: number) {
    this.#path = path;
    this.#limit = limit;
    mkdirSync(dirname(path), { recursive: true });
    this.#descriptor = this.#open();
    this.#size = fstatSync(this.#descriptor).size;
  }

  write(line: string): void {
    try {
      if (this.#size >= this.#limit) this.#setAside();
      this.#size += writeSync(this.#descriptor, line);
    } catch {
      // There is nowhere else to say it.
    }
  }

  #open(): number {
    return openSync(this.#path, 'a', 0o600);
  }

  #setAside(): void {
    try {
      renameSync(this.#path, `${this.#path}.1`);
    } catch (error) {
      // Somebody else moved it away: then a new one is begun all the same.
      if (!isMissing(error)) throw error;
    }
    const next = this.#open();
    closeSync(this.#descriptor);
    this.#descriptor = next;
    this.#size = fstatSync(next).size;
  }
}
