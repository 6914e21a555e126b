import { constants, createGzip, type Gzip } from 'node:zlib';

/** Between nginx's 1 and zlib's own 6: near the latter's size at half of its time. */
const level = 4;
/** A body below it needs no larger window; with it 64 KiB of memory do instead of 256 (zlib manual, deflateInit2). Bytes. */
const small = 16 * 1024;
const smallMemory = { windowBits: 13, memLevel: 6 };

export interface EncoderUser {
  /** Takes coded bytes; `false`: hold back until `resume`. */
  coded(bytes: Buffer): boolean;
  /** More can be written, after `write` answered `false`. */
  drained(): void;
  ended(): void;
  failed(): void;
}

/** A body on its way through gzip, off the event loop. */
export class Encoder {
  readonly #user: EncoderUser;
  readonly #gzip: Gzip;
  #dirty = false;
  #flushing = false;
  #over = false;

  /** `length` of what will be written, -1 where it is not known. */
  constructor(user: EncoderUser, length: number) {
    this.#user = user;
    this.#gzip = createGzip({ level, ...(length !== -1 && length < small ? smallMemory : {}) });
    this.#gzip.on('data', (bytes: Buffer) => this.#coded(bytes));
    this.#gzip.on('drain', () => this.#unlessOver(() => user.drained()));
    this.#gzip.on('end', () => this.#unlessOver(() => user.ended()));
    this.#gzip.on('error', () => this.#unlessOver(() => user.failed()));
  }

  /** `bytes` are the encoder's from now on. `false`: hold back until `drained`. */
  write(bytes: Buffer): boolean {
    this.#dirty = true;
    return this.#gzip.write(bytes);
  }

  /** What was written goes out whole: a reader that waits for it gets it before there is more. */
  flush(): void {
    if (!this.#dirty || this.#flushing || this.#over) return;
    this.#dirty = false;
    this.#flushing = true;
    this.#gzip.flush(constants.Z_SYNC_FLUSH, () => {
      this.#flushing = false;
      this.flush();
    });
  }

  end(): void {
    this.#dirty = false;
    this.#gzip.end();
  }

  resume(): void {
    if (this.#gzip.isPaused()) this.#gzip.resume();
  }

  destroy(): void {
    this.#over = true;
    this.#gzip.destroy();
  }

  #coded(bytes: Buffer): void {
    this.#unlessOver(() => {
      if (!this.#user.coded(bytes)) this.#gzip.pause();
    });
  }

  #unlessOver(step: () => void): void {
    if (!this.#over) step();
  }
}
