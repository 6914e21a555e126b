import { ConnectionError, errorCode, flag } from './codes.ts';
import type { FrameHead } from './frames.ts';

/** The payload without its padding (RFC 9113 6.1). */
export function unpadded({ flags }: FrameHead, payload: Buffer): Buffer {
  if ((flags & flag.padded) === 0) return payload;
  const [padding] = payload;
  if (padding === undefined)
    throw new ConnectionError(errorCode.frameSize, 'a padded frame without a length of padding');
  if (padding >= payload.length) throw new ConnectionError(errorCode.protocol, 'more padding than payload');
  return payload.subarray(1, payload.length - padding);
}

export function requireLength(payload: Buffer, length: number): void {
  if (payload.length !== length) throw new ConnectionError(errorCode.frameSize, 'a frame of a wrong length');
}
