import type { ConnectionOptions, TLSSocket } from 'node:tls';
import { hang } from '../patience.ts';
import { HpackDecoder } from '../../src/edge/embedded/h2/hpack-decoder.ts';

/** Frame types and flags of RFC 9113, as a client writes them. */
export const DATA = 0;
export const HEADERS = 1;
export const PRIORITY = 2;
export const RST_STREAM = 3;
export const SETTINGS = 4;
export const PUSH_PROMISE = 5;
export const PING = 6;
export const GOAWAY = 7;
export const WINDOW_UPDATE = 8;
export const CONTINUATION = 9;
export const END_STREAM = 1;
export const ACK = 1;
export const END_HEADERS = 4;
export const PADDED = 8;
export const PRIORITIZED = 32;

export interface Frame {
  readonly type: number;
  readonly flags: number;
  readonly stream: number;
  readonly payload: Buffer;
}

/** Where a client connects to. */
export interface Reachable {
  connect(name: string, options: ConnectionOptions): TLSSocket;
}

export type FrameStart = readonly [type: number, flags: number, stream: number];

export type Field = readonly [name: string, value: string];

/** A client that writes frames as it is told, sound or not, and keeps all that comes. */
export class FrameClient implements Disposable {
  readonly frames: Frame[] = [];
  /** Status of the answers that have come, by stream. */
  readonly statuses = new Map<number, string>();
  readonly bodies = new Map<number, number>();
  closed = false;
  readonly socket: TLSSocket;
  readonly #decoder = new HpackDecoder();
  readonly #waiting = new Set<() => void>();
  #rest: Buffer = Buffer.alloc(0);

  constructor(ground: Reachable, name = 'a.test') {
    this.socket = ground.connect(name, { ALPNProtocols: ['h2'] });
    this.socket.on('data', (chunk: Buffer) => this.#read(chunk));
    this.socket.on('close', () => {
      this.closed = true;
      this.#wake();
    });
  }

  /** After the handshake, the preface and SETTINGS (each: id, value) of both sides. */
  static async open(ground: Reachable, settings: readonly (readonly [number, number])[] = []): Promise<FrameClient> {
    const client = new FrameClient(ground);
    client.preface();
    client.settings(settings);
    await client.until((frame) => frame.type === SETTINGS && (frame.flags & ACK) !== 0);
    return client;
  }

  preface(): void {
    this.raw('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n');
  }

  raw(bytes: string | Buffer): void {
    if (!this.socket.destroyed) this.socket.write(typeof bytes === 'string' ? Buffer.from(bytes, 'latin1') : bytes);
  }

  send(head: FrameStart, payload: string | Buffer = ''): void {
    this.raw(frameOf(head, payload));
  }

  settings(settings: readonly (readonly [number, number])[]): void {
    const payload = settings.map(([id, value]) => String.fromCharCode(id >> 8, id & 255) + uint32(value)).join('');
    this.send([SETTINGS, 0, 0], payload);
  }

  /** A header block in one HEADERS. `flags` beside END_HEADERS; a request without a body unless told. */
  headers(stream: number, fields: readonly Field[], flags = END_STREAM): void {
    this.send([HEADERS, END_HEADERS | flags, stream], blockOf(fields));
  }

  /** Resolves with the first frame, among those that have come too, that is wanted; `null` when the connection ends or after `timeout`. */
  async until(wanted: (frame: Frame) => boolean, timeout = hang): Promise<Frame | null> {
    const deadline = performance.now() + timeout;
    for (;;) {
      const found = this.frames.find(wanted);
      if (found !== undefined) return found;
      if (this.closed || performance.now() >= deadline) return null;
      await this.#change(deadline - performance.now());
    }
  }

  /**
   * What the edge makes of it, in a word: `goaway N`, `reset N` (of that stream), `status N` (of that stream), `closed`, or `silent`
   * when nothing came of it.
   */
  async outcome(stream: number, timeout?: number): Promise<string> {
    const frame = await this.until(
      ({ type, stream: id, payload }) =>
        (type === GOAWAY && payload.readUInt32BE(4) !== 0) ||
        (id === stream && (type === RST_STREAM || (type === HEADERS && this.statuses.has(id)))),
      timeout,
    );
    if (frame === null) return this.closed ? 'closed' : 'silent';
    if (frame.type === GOAWAY) return `goaway ${frame.payload.readUInt32BE(4)}`;
    if (frame.type === RST_STREAM) return `reset ${frame.payload.readUInt32BE(0)}`;
    return `status ${this.statuses.get(stream) ?? ''}`;
  }

  [Symbol.dispose](): void {
    this.socket.destroy();
  }

  #read(chunk: Buffer): void {
    let bytes = Buffer.concat([this.#rest, chunk]);
    while (bytes.length >= 9 && bytes.length >= 9 + bytes.readUIntBE(0, 3)) {
      const length = bytes.readUIntBE(0, 3);
      const [, , , type = 0, flags = 0] = bytes;
      this.#take({ type, flags, stream: bytes.readUInt32BE(5), payload: bytes.subarray(9, 9 + length) });
      bytes = bytes.subarray(9 + length);
    }
    this.#rest = bytes;
    this.#wake();
  }

  #take(frame: Frame): void {
    if (frame.type === HEADERS) {
      this.#decoder.decode(frame.payload, (name, value) => {
        if (name === ':status' && !value.startsWith('1')) this.statuses.set(frame.stream, value);
      });
    }
    if (frame.type === DATA) {
      this.bodies.set(frame.stream, (this.bodies.get(frame.stream) ?? 0) + frame.payload.length);
    }
    this.frames.push(frame);
  }

  #wake(): void {
    for (const wake of this.#waiting) wake();
    this.#waiting.clear();
  }

  #change(timeout: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, timeout);
      this.#waiting.add(() => {
        clearTimeout(timer);
        resolve();
      });
    });
  }
}

export function frameOf([type, flags, stream]: FrameStart, payload: string | Buffer = ''): Buffer {
  const body = typeof payload === 'string' ? Buffer.from(payload, 'latin1') : payload;
  const head = Buffer.alloc(9);
  head.writeUIntBE(body.length, 0, 3);
  head[3] = type;
  head[4] = flags;
  head.writeUInt32BE(stream >>> 0, 5);
  return Buffer.concat([head, body]);
}

/** Literals without indexing (RFC 7541 6.2.2), not compressed. */
export function blockOf(fields: readonly Field[]): string {
  return fields.map(([name, value]) => `\0${textOf(name)}${textOf(value)}`).join('');
}

/** RFC 7541 5.2. */
function textOf(text: string): string {
  let length = '';
  if (text.length < 127) length = String.fromCharCode(text.length);
  else {
    length = '\x7f';
    let rest = text.length - 127;
    for (; rest >= 128; rest >>= 7) length += String.fromCharCode((rest & 127) | 128);
    length += String.fromCharCode(rest);
  }
  return length + text;
}

export function uint32(value: number): string {
  return String.fromCharCode((value >>> 24) & 255, (value >> 16) & 255, (value >> 8) & 255, value & 255);
}

/** A GET of `a.test` with changes: a field of `null` is left out. */
export function getFields(changes: Readonly<Record<string, string | null>> = {}, more: readonly Field[] = []): Field[] {
  const usual = { ':method': 'GET', ':scheme': 'https', ':path': '/', ':authority': 'a.test', ...changes };
  const fields = Object.entries(usual).filter((field): field is [string, string] => field[1] !== null);
  return [...fields, ...more];
}

/** A POST of `a.test`. */
export function postFields(more: readonly Field[] = []): Field[] {
  return getFields({ ':method': 'POST' }, more);
}
