import { ConnectionError, defaultFrameSize, errorCode } from './codes.ts';
import type { FrameHead } from './frames.ts';

const headSize = 9;

/** Cuts what comes into frames (RFC 9113 4.1). A frame that spans segments is gathered once, so that one sent byte by byte costs no more. */
export class FrameReader {
  #gathered: Buffer | null = null;
  #length = 0;

  /** A frame has begun and not ended. */
  get partial(): boolean {
    return this.#gathered !== null;
  }

  /** Calls `take` for each whole frame while it answers `true`. Throws ConnectionError for one that is larger than the edge takes. */
  feed(segment: Buffer, take: (head: FrameHead, payload: Buffer) => boolean): void {
    let at = 0;
    let wanted = true;
    while (wanted && at < segment.length) {
      if (this.#gathered === null && segment.length - at >= headSize) {
        const length = lengthAt(segment, at);
        if (segment.length - at >= headSize + length) {
          wanted = take(headAt(segment, at), segment.subarray(at + headSize, at + headSize + length));
          at += headSize + length;
          continue;
        }
      }
      at = this.#gather(segment, at);
      const whole = this.#taken();
      if (whole !== null) wanted = take(headAt(whole, 0), whole.subarray(headSize));
    }
  }

  #gather(segment: Buffer, at: number): number {
    this.#gathered ??= Buffer.allocUnsafe(headSize);
    const taken = segment.copy(this.#gathered, this.#length, at);
    this.#length += taken;
    return at + taken;
  }

  /** The gathered frame once it is whole. When its head is, memory for the rest is made. */
  #taken(): Buffer | null {
    const gathered = this.#gathered;
    if (gathered === null || this.#length < gathered.length) return null;
    if (gathered.length === headSize) {
      const length = lengthAt(gathered, 0);
      if (length > 0) {
        this.#gathered = Buffer.allocUnsafe(headSize + length);
        gathered.copy(this.#gathered);
        return null;
      }
    }
    this.#gathered = null;
    this.#length = 0;
    return gathered;
  }
}

function lengthAt(bytes: Buffer, at: number): number {
  const length = bytes.readUIntBE(at, 3);
  if (length > defaultFrameSize) throw new ConnectionError(errorCode.frameSize, 'a frame larger than allowed');
  return length;
}

/** The first bit of the stream's id is reserved and ignored. */
function headAt(bytes: Buffer, at: number): FrameHead {
  return {
    type: bytes[at + 3] as number,
    flags: bytes[at + 4] as number,
    stream: bytes.readUInt32BE(at + 5) & 0x7fff_ffff,
  };
}
