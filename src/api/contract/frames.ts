import type { JobDocument } from './job-types.ts';

/**
 * The answer of an attached run: a row of frames, each one byte for its kind, four for the length of what follows (big-endian), and that. First the job, then
 * what its program prints as it comes, at last how it ended, or why that is not known. `alive` breaks a silence.
 */
export type Frame =
  | { readonly kind: 'job' | 'ended'; readonly job: JobDocument }
  | { readonly kind: 'stdout' | 'stderr'; readonly bytes: Uint8Array }
  | { readonly kind: 'failed'; readonly message: string }
  | { readonly kind: 'alive' };

const kinds = ['job', 'stdout', 'stderr', 'ended', 'failed', 'alive'] as const;
const headLength = 5;

export function encodeFrame(frame: Frame): Buffer {
  const body = bodyOf(frame);
  const head = Buffer.alloc(headLength);
  head.writeUInt8(kinds.indexOf(frame.kind), 0);
  head.writeUInt32BE(body.length, 1);
  return Buffer.concat([head, body]);
}

/** Frames from pieces of their bytes. One that is not whole at the end is dropped: the sender has gone. */
export async function* readFrames(pieces: AsyncIterable<Uint8Array>): AsyncGenerator<Frame> {
  let rest: Buffer = Buffer.alloc(0);
  for await (const piece of pieces) {
    rest = rest.length === 0 ? Buffer.from(piece) : Buffer.concat([rest, piece]);
    while (rest.length >= headLength) {
      const end = headLength + rest.readUInt32BE(1);
      if (rest.length < end) break;
      yield frameOf(rest.readUInt8(0), rest.subarray(headLength, end));
      rest = rest.subarray(end);
    }
  }
}

function bodyOf(frame: Frame): Uint8Array {
  switch (frame.kind) {
    case 'job':
    case 'ended':
      return Buffer.from(JSON.stringify(frame.job));
    case 'stdout':
    case 'stderr':
      return frame.bytes;
    case 'failed':
      return Buffer.from(frame.message);
    case 'alive':
      return Buffer.alloc(0);
  }
}

function frameOf(number: number, body: Buffer): Frame {
  const kind = kinds[number];
  switch (kind) {
    case 'job':
    case 'ended':
      return { kind, job: JSON.parse(body.toString()) as JobDocument };
    case 'stdout':
    case 'stderr':
      return { kind, bytes: body };
    case 'failed':
      return { kind, message: body.toString() };
    case 'alive':
      return { kind };
    default:
      throw new RangeError(`a frame of the unknown kind ${number}`);
  }
}
