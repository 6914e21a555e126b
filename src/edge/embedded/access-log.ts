import { closeSync, fstatSync, openSync, renameSync, statSync, write } from 'node:fs';
import type { AccessEntry } from './plane/types.ts';

export interface AccessLogOptions {
  readonly path: string;
  /** Bytes at which the file is set aside as `.1`, then `.2` and so on. */
  readonly fileSize?: number;
  /** Files that are kept, the one being written included. */
  readonly files?: number;
  /** Bytes that may wait for the disk before lines are dropped. */
  readonly bufferSize?: number;
  readonly report: (text: string) => void;
}

const FLUSH_SIZE = 64 * 1024;
const FLUSH_INTERVAL = 250;

/**
 * Requests as lines of JSON, gathered and written apart from the request: a full or slow disk costs lines, which are counted, never
 * requests or memory. Two workers may share a file during a hand-over (O_APPEND keeps their lines whole).
 */
export class AccessLog implements AsyncDisposable {
  readonly #path: string;
  readonly #limits: { readonly file: number; readonly files: number; readonly buffer: number };
  readonly #report: (text: string) => void;
  readonly #timer: NodeJS.Timeout;
  #descriptor: number | null = null;
  #size = 0;
  #text = '';
  #writing: Promise<void> | null = null;
  #dropped = 0;
  #failing = false;

  constructor(options: AccessLogOptions) {
    this.#path = options.path;
    this.#limits = {
      file: options.fileSize ?? 32 << 20,
      files: options.files ?? 3,
      buffer: options.bufferSize ?? 1 << 20,
    };
    this.#report = options.report;
    this.#timer = setInterval(() => this.#flush(), FLUSH_INTERVAL);
    this.#timer.unref();
  }

  /** Lines that were lost since the start. */
  get dropped(): number {
    return this.#dropped;
  }

  write(entry: AccessEntry): void {
    if (this.#text.length >= this.#limits.buffer) {
      this.#dropped += 1;
      return;
    }
    this.#text += formatEntry(entry);
    if (this.#text.length >= FLUSH_SIZE) this.#flush();
  }

  /** Writes what waits and closes the file. */
  async [Symbol.asyncDispose](): Promise<void> {
    clearInterval(this.#timer);
    await this.#writing;
    this.#flush();
    await this.#writing;
    this.#closeFile();
  }

  #flush(): void {
    if (this.#writing !== null || this.#text === '') return;
    const text = this.#text;
    this.#text = '';
    this.#writing = this.#append(Buffer.from(text)).then(
      () => this.#settled(),
      (error: unknown) => this.#lost(text, error),
    );
  }

  #settled(): void {
    this.#writing = null;
    this.#failing = false;
  }

  /** Said once per failure, for the log of the workers may lie on the same disk. */
  #lost(text: string, error: unknown): void {
    this.#writing = null;
    this.#dropped += text.split('\n').length - 1;
    this.#closeFile();
    if (!this.#failing) this.#report(`access log: lines are lost: ${String(error)}`);
    this.#failing = true;
  }

  async #append(bytes: Buffer): Promise<void> {
    let descriptor = this.#openFile();
    if (this.#size >= this.#limits.file) {
      this.#rotate();
      descriptor = this.#openFile();
    }
    for (let offset = 0; offset < bytes.length; ) {
      offset += await writeSome(descriptor, bytes.subarray(offset));
    }
    this.#size += bytes.length;
  }

  #openFile(): number {
    if (this.#descriptor === null) {
      this.#descriptor = openSync(this.#path, 'a', 0o640);
      this.#size = fstatSync(this.#descriptor).size;
    }
    return this.#descriptor;
  }

  /** The other worker of a hand-over may have set the file aside already: then this one only opens the new file. */
  #rotate(): void {
    if (this.#isCurrent()) {
      for (let number = this.#limits.files - 1; number > 0; number -= 1) {
        const from = number === 1 ? this.#path : `${this.#path}.${number - 1}`;
        if (statSync(from, { throwIfNoEntry: false }) !== undefined) renameSync(from, `${this.#path}.${number}`);
      }
    }
    this.#closeFile();
  }

  #isCurrent(): boolean {
    const there = statSync(this.#path, { throwIfNoEntry: false });
    return there !== undefined && (this.#descriptor === null || fstatSync(this.#descriptor).ino === there.ino);
  }

  #closeFile(): void {
    if (this.#descriptor !== null) closeSync(this.#descriptor);
    this.#descriptor = null;
    this.#size = 0;
  }
}

function writeSome(descriptor: number, bytes: Buffer): Promise<number> {
  return new Promise((resolve, reject) => {
    write(descriptor, bytes, 0, bytes.length, null, (error, written) =>
      error === null ? resolve(written) : reject(error),
    );
  });
}

function formatEntry(entry: AccessEntry): string {
  const { time, ...rest } = entry;
  return `${JSON.stringify({ time: new Date(time).toISOString(), ...rest })}\n`;
}
