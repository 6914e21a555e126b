import { ConnectionError, errorCode } from './codes.ts';
import { staticTable } from './hpack-static.ts';
import { decodeHuffman } from './huffman.ts';

/** SETTINGS_HEADER_TABLE_SIZE, which is left at what everybody assumes. Bytes. */
const tableLimit = 4096;
/** Each entry counts as so many bytes more (RFC 7541 4.1). */
export const entryOverhead = 32;

interface Entry {
  readonly name: string;
  readonly value: string;
}

/** Reads header blocks of one connection (RFC 7541), in the order in which they came. Text is latin-1. */
export class HpackDecoder {
  /** The newest is the last. */
  readonly #table: Entry[] = [];
  #size = 0;
  #limit = tableLimit;
  #block: Buffer = Buffer.alloc(0);
  #at = 0;

  /** Calls `field` for each field. Throws ConnectionError where the block is not sound: what comes after it cannot be read either. */
  decode(block: Buffer, field: (name: string, value: string) => void): void {
    this.#block = block;
    this.#at = 0;
    let begun = false;
    while (this.#at < block.length) {
      const byte = block[this.#at] as number;
      if (byte >= 0x80) {
        const entry = this.#entry(this.#integer(7));
        field(entry.name, entry.value);
      } else if (byte >= 0x40) {
        const entry = this.#literal(6);
        this.#add(entry);
        field(entry.name, entry.value);
      } else if (byte >= 0x20) {
        if (begun) throw broken('a table size after a field');
        this.#resize(this.#integer(5));
        continue;
      } else {
        const entry = this.#literal(4);
        field(entry.name, entry.value);
      }
      begun = true;
    }
    this.#block = Buffer.alloc(0);
  }

  #entry(index: number): Entry {
    const fixed = staticTable[index - 1];
    if (fixed !== undefined) return { name: fixed[0], value: fixed[1] };
    const entry = index === 0 ? undefined : this.#table[this.#table.length + staticTable.length - index];
    if (entry === undefined) throw broken('an index beyond the table');
    return entry;
  }

  #literal(prefix: number): Entry {
    const index = this.#integer(prefix);
    const name = index === 0 ? this.#string() : this.#entry(index).name;
    return { name, value: this.#string() };
  }

  /** RFC 7541 5.1. Nothing here is larger than a block, so 4 more bytes are plenty. */
  #integer(prefix: number): number {
    const mask = (1 << prefix) - 1;
    let value = this.#next() & mask;
    if (value < mask) return value;
    for (let shift = 0; shift < 28; shift += 7) {
      const byte = this.#next();
      value += (byte & 0x7f) << shift;
      if (byte < 0x80) return value;
    }
    throw broken('an integer without an end');
  }

  #string(): string {
    const coded = ((this.#block[this.#at] ?? 0) & 0x80) !== 0;
    const length = this.#integer(7);
    const start = this.#at;
    if (length > this.#block.length - start) throw broken('a string beyond the block');
    this.#at += length;
    if (!coded) return this.#block.toString('latin1', start, this.#at);
    const text = decodeHuffman(this.#block, start, this.#at);
    if (text === null) throw broken('a string of a wrong code');
    return text;
  }

  #next(): number {
    const byte = this.#block[this.#at];
    if (byte === undefined) throw broken('a block that ends too early');
    this.#at += 1;
    return byte;
  }

  #add(entry: Entry): void {
    this.#table.push(entry);
    this.#size += sizeOf(entry);
    this.#evict();
  }

  #resize(limit: number): void {
    if (limit > tableLimit) throw broken('a table larger than allowed');
    this.#limit = limit;
    this.#evict();
  }

  #evict(): void {
    while (this.#size > this.#limit) {
      const oldest = this.#table.shift();
      if (oldest === undefined) break;
      this.#size -= sizeOf(oldest);
    }
  }
}

function sizeOf({ name, value }: Entry): number {
  return name.length + value.length + entryOverhead;
}

function broken(reason: string): ConnectionError {
  return new ConnectionError(errorCode.compression, reason);
}
