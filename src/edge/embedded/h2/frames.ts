import { bounds } from './bounds.ts';
import { defaultFrameSize, defaultWindow, flag, frame, setting } from './codes.ts';

/** Frames as text, latin-1: a character is a byte. Small ones gather in one text that Node writes without a buffer of its own. */

export interface FrameHead {
  readonly type: number;
  readonly flags: number;
  readonly stream: number;
}

export function frameHead(length: number, { type, flags, stream }: FrameHead): string {
  return String.fromCharCode(
    (length >> 16) & 255,
    (length >> 8) & 255,
    length & 255,
    type,
    flags,
    (stream >>> 24) & 127,
    (stream >> 16) & 255,
    (stream >> 8) & 255,
    stream & 255,
  );
}

/** What the edge says first (RFC 9113 3.4): its settings, and a window for the connection that is larger than everybody assumes. */
export function greeting(headSize: number): string {
  const settings = settingsFrame([
    [setting.enablePush, 0],
    [setting.maxConcurrentStreams, bounds.streams],
    [setting.initialWindowSize, bounds.streamWindow],
    [setting.maxHeaderListSize, headSize],
  ]);
  return settings + windowUpdateFrame(0, bounds.connectionWindow - defaultWindow);
}

/** HEADERS, and CONTINUATION where the block is longer than a frame. */
export function headersFrames(stream: number, block: string, last: boolean): string {
  const endStream = last ? flag.endStream : 0;
  if (block.length <= defaultFrameSize) {
    return frameHead(block.length, { type: frame.headers, flags: flag.endHeaders | endStream, stream }) + block;
  }
  let text = '';
  for (let at = 0; at < block.length; at += defaultFrameSize) {
    const part = block.slice(at, at + defaultFrameSize);
    const ends = at + defaultFrameSize >= block.length ? flag.endHeaders : 0;
    const type = at === 0 ? frame.headers : frame.continuation;
    text += frameHead(part.length, { type, flags: ends | (at === 0 ? endStream : 0), stream }) + part;
  }
  return text;
}

export function resetFrame(stream: number, code: number): string {
  return frameHead(4, { type: frame.reset, flags: 0, stream }) + uint32(code);
}

export function windowUpdateFrame(stream: number, increment: number): string {
  return frameHead(4, { type: frame.windowUpdate, flags: 0, stream }) + uint32(increment);
}

export function goAwayFrame(lastStream: number, code: number): string {
  return frameHead(8, { type: frame.goAway, flags: 0, stream: 0 }) + uint32(lastStream) + uint32(code);
}

/** `payload`: 8 bytes. */
export function pingFrame(payload: string, ack: boolean): string {
  return frameHead(8, { type: frame.ping, flags: ack ? flag.ack : 0, stream: 0 }) + payload;
}

function settingsFrame(settings: readonly (readonly [id: number, value: number])[]): string {
  const body = settings.map(([id, value]) => String.fromCharCode(id >> 8, id & 255) + uint32(value)).join('');
  return frameHead(body.length, { type: frame.settings, flags: 0, stream: 0 }) + body;
}

export const settingsAck: string = frameHead(0, { type: frame.settings, flags: flag.ack, stream: 0 });

function uint32(value: number): string {
  return String.fromCharCode((value >>> 24) & 255, (value >> 16) & 255, (value >> 8) & 255, value & 255);
}
