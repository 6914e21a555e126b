import { bounds } from './bounds.ts';
import { ConnectionError, errorCode, flag } from './codes.ts';
import type { FrameHead } from './frames.ts';
import { unpadded } from './payload.ts';

/** A header block that is whole. */
export interface HeaderBlock {
  readonly stream: number;
  readonly bytes: Buffer;
  /** The stream ends with it. */
  readonly last: boolean;
}

/** Gathers the frames of one header block (RFC 9113 4.3): between HEADERS and the last CONTINUATION nothing else may come. */
export class HeaderBlocks {
  #stream = 0;
  #last = false;
  #parts: Buffer[] = [];
  #size = 0;

  /** A block has begun and not ended. */
  get partial(): boolean {
    return this.#stream !== 0;
  }

  /** `null`: CONTINUATION follows. */
  headers(head: FrameHead, payload: Buffer): HeaderBlock | null {
    if (head.stream === 0) throw new ConnectionError(errorCode.protocol, 'HEADERS on the connection');
    let block = unpadded(head, payload);
    if ((head.flags & flag.priority) !== 0) {
      if (block.length < 5) throw new ConnectionError(errorCode.frameSize, 'HEADERS without room for its priority');
      block = block.subarray(5);
    }
    this.#stream = head.stream;
    this.#last = (head.flags & flag.endStream) !== 0;
    return this.#add(head, block);
  }

  continuation(head: FrameHead, payload: Buffer): HeaderBlock | null {
    if (!this.partial || head.stream !== this.#stream)
      throw new ConnectionError(errorCode.protocol, 'CONTINUATION without its HEADERS');
    return this.#add(head, payload);
  }

  #add(head: FrameHead, block: Buffer): HeaderBlock | null {
    this.#parts.push(block);
    this.#size += block.length;
    if (this.#size > bounds.blockSize || this.#parts.length > bounds.blockFrames)
      throw new ConnectionError(errorCode.enhanceYourCalm, 'a header block without an end');
    if ((head.flags & flag.endHeaders) === 0) return null;
    const [first = block] = this.#parts;
    const bytes = this.#parts.length === 1 ? first : Buffer.concat(this.#parts);
    const whole = { stream: this.#stream, bytes, last: this.#last };
    this.#stream = 0;
    this.#parts = [];
    this.#size = 0;
    return whole;
  }
}
