import { fieldValue, hexValue, token } from './chars.ts';
import { type Refusal, refusals } from './refusal.ts';

/** Takes the payload as views of the segments that were fed. */
export interface PayloadSink {
  payload(bytes: Buffer, start: number, end: number): void;
}

const CR = 13;
const LF = 10;
const SEMICOLON = 59;
const COLON = 58;
/** 13 digits are 52 bits: no overflow of the integers that a double holds. */
const maxSizeDigits = 13;
/** Over the whole body: a body in one-byte chunks with long extensions costs its reader a multiple of what it pays for (CVE-2023-39326). */
const maxExtensionBytes = 4096;
const maxTrailerBytes = 8192;

const at = {
  sizeFirst: 0,
  size: 1,
  extension: 2,
  sizeEnd: 3,
  data: 4,
  dataCr: 5,
  dataLf: 6,
  trailerFirst: 7,
  trailerName: 8,
  trailerValue: 9,
  trailerLf: 10,
  endLf: 11,
  done: 12,
} as const;

/**
 * Decodes a chunked body over any number of segments (RFC 9112 7.1), strictly: hexadecimal digits and nothing else as the size, CRLF
 * only, extensions and trailers bounded and dropped. States: sizeFirst -> size [-> extension] -> sizeEnd -> data -> dataCr -> dataLf ->
 * sizeFirst; after the chunk of size 0: trailerFirst [-> trailerName -> trailerValue -> trailerLf]* -> endLf -> done.
 */
export class ChunkedDecoder {
  #state: number = at.sizeFirst;
  #size = 0;
  #digits = 0;
  #extensionBytes = 0;
  #trailerBytes = 0;

  get done(): boolean {
    return this.#state === at.done;
  }

  /** Decodes from `from` on; gives the position after what belongs to this body (the segment's end unless `done`), or why it is refused. */
  feed(bytes: Buffer, from: number, sink: PayloadSink): number | Refusal {
    const to = bytes.length;
    let i = from;
    while (i < to && this.#state !== at.done) {
      if (this.#state === at.data) {
        const end = Math.min(to, i + this.#size);
        this.#size -= end - i;
        if (this.#size === 0) this.#state = at.dataCr;
        sink.payload(bytes, i, end);
        i = end;
        continue;
      }
      const refused =
        this.#state < at.data || this.#state > at.dataLf ? this.#step(bytes[i] as number) : this.#dataEnd(bytes[i]);
      if (refused !== null) return refused;
      i += 1;
    }
    return i;
  }

  #dataEnd(byte: number | undefined): Refusal | null {
    if (byte !== (this.#state === at.dataCr ? CR : LF)) return refusals.chunkEnd;
    this.#state = this.#state === at.dataCr ? at.dataLf : at.sizeFirst;
    return null;
  }

  #step(byte: number): Refusal | null {
    switch (this.#state) {
      case at.sizeFirst:
        this.#size = 0;
        this.#digits = 0;
        this.#state = at.size;
        return this.#digit(byte);
      case at.size:
        if (byte === CR) this.#state = at.sizeEnd;
        else if (byte === SEMICOLON) this.#state = at.extension;
        else return this.#digit(byte);
        return null;
      case at.extension:
        return this.#extension(byte);
      case at.sizeEnd:
        if (byte !== LF) return refusals.chunkSize;
        this.#state = this.#size === 0 ? at.trailerFirst : at.data;
        return null;
      default:
        return this.#trailer(byte);
    }
  }

  #digit(byte: number): Refusal | null {
    const value = hexValue[byte] as number;
    this.#digits += 1;
    if (value === 255 || this.#digits > maxSizeDigits) return refusals.chunkSize;
    this.#size = this.#size * 16 + value;
    return null;
  }

  #extension(byte: number): Refusal | null {
    this.#extensionBytes += 1;
    if (byte === CR) this.#state = at.sizeEnd;
    else if (fieldValue[byte] === 0 || this.#extensionBytes > maxExtensionBytes) return refusals.chunkExtension;
    return null;
  }

  #trailer(byte: number): Refusal | null {
    this.#trailerBytes += 1;
    if (this.#trailerBytes > maxTrailerBytes) return refusals.trailer;
    switch (this.#state) {
      case at.trailerFirst:
        this.#state = byte === CR ? at.endLf : at.trailerName;
        return byte === CR || token[byte] !== 0 ? null : refusals.trailer;
      case at.trailerName:
        if (byte === COLON) this.#state = at.trailerValue;
        return byte === COLON || token[byte] !== 0 ? null : refusals.trailer;
      case at.trailerValue:
        if (byte === CR) this.#state = at.trailerLf;
        return byte === CR || fieldValue[byte] === 1 ? null : refusals.trailer;
      default:
        if (byte !== LF) return refusals.trailer;
        this.#state = this.#state === at.endLf ? at.done : at.trailerFirst;
        return null;
    }
  }
}
