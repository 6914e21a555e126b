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

/** A file that lines are appended to, set aside as `.1` when it has grown to its limit. A disk that is full costs lines, which are counted, never the daemon. */
class BoundedFile {
  readonly #path: string;
  readonly #limit: number;
  #descriptor: number;
  #size: number;
  #dropped = 0;
  /** The last line was cut short by the end of the disk. */
  #torn = false;

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
      if (this.#dropped > 0) {
        const message = `${this.#dropped} lines of this log found no room on the disk`;
        this.#put(`${JSON.stringify({ level: 40, time: Date.now(), msg: message })}\n`);
        this.#dropped = 0;
      }
      this.#put(line);
    } catch {
      // There is nowhere else to say it.
      this.#dropped += 1;
    }
  }

  /** Throws for a line of which only a part could be written; the next one then begins on a line of its own. */
  #put(line: string): void {
    const bytes = Buffer.from(this.#torn ? `\n${line}` : line);
    for (let written = 0; written < bytes.length; ) {
      written += writeSync(this.#descriptor, bytes, written);
      this.#torn = written < bytes.length;
    }
    this.#size += bytes.length;
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
