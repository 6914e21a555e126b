import { TreeError } from './tree-error.ts';

/** The longest record that `until` waits for. */
const LONGEST = 64 * 1024;

/** Reads a stream of bytes by records and lengths. Holds one piece of it and what a record lacks. */
export class ByteReader {
  readonly #source: AsyncIterator<Uint8Array>;
  #held: Buffer = Buffer.alloc(0);

  constructor(source: AsyncIterable<Uint8Array>) {
    this.#source = source[Symbol.asyncIterator]();
  }

  /** The bytes before the next `end`, which is dropped; null at the end of the stream. */
  async until(end: number): Promise<Buffer | null> {
    for (let from = 0; ; ) {
      const at = this.#held.indexOf(end, from);
      if (at !== -1) return this.#drop(at, 1);
      if (this.#held.length > LONGEST) throw new TreeError('failed', 'git answered with a record that is too long');
      from = this.#held.length;
      if (await this.#more()) continue;
      if (this.#held.length > 0) throw cutShort();
      return null;
    }
  }

  async exactly(length: number): Promise<Buffer> {
    const pieces: Buffer[] = [];
    for await (const piece of this.pieces(length)) pieces.push(piece);
    const [only] = pieces;
    return pieces.length === 1 && only !== undefined ? only : Buffer.concat(pieces);
  }

  async *pieces(length: number): AsyncGenerator<Buffer, void> {
    for (let left = length; left > 0; ) {
      if (this.#held.length === 0 && !(await this.#more())) throw cutShort();
      const piece = this.#drop(Math.min(left, this.#held.length), 0);
      left -= piece.length;
      yield piece;
    }
  }

  /** Reads what is left, which should be nothing, so that a failure of the source is heard. */
  async end(): Promise<void> {
    if (this.#held.length > 0 || (await this.#more()))
      throw new TreeError('failed', 'git answered more than was asked');
  }

  async close(): Promise<void> {
    await this.#source.return?.();
  }

  #drop(length: number, extra: number): Buffer {
    const piece = this.#held.subarray(0, length);
    this.#held = this.#held.subarray(length + extra);
    return piece;
  }

  async #more(): Promise<boolean> {
    const next = await this.#source.next();
    if (next.done === true) return false;
    const piece = Buffer.from(next.value.buffer, next.value.byteOffset, next.value.byteLength);
    this.#held = this.#held.length === 0 ? piece : Buffer.concat([this.#held, piece]);
    return true;
  }
}

function cutShort(): TreeError {
  return new TreeError('failed', 'The answer of git ended too early');
}
