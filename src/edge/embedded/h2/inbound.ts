import { ConnectionError, errorCode, flag, frame, maxUint31, preface } from './codes.ts';
import { FrameReader } from './frame-reader.ts';
import type { FrameHead } from './frames.ts';
import { type HeaderBlock, HeaderBlocks } from './header-block.ts';
import { requireLength, unpadded } from './payload.ts';

/** Frames of a client whose form is sound. What throws ConnectionError ends the connection. */
export interface FrameHandler {
  /** `cost`: of the windows, padding included. */
  data(stream: number, body: { readonly piece: Buffer; readonly cost: number; readonly last: boolean }): void;
  block(block: HeaderBlock): void;
  resetBy(stream: number): void;
  /** `null`: ours are acknowledged. */
  settings(payload: Buffer | null): void;
  /** `payload` as latin-1. */
  ping(payload: string, ack: boolean): void;
  windowUpdate(stream: number, increment: number): void;
  /** `sound`: of the right length. */
  priority(stream: number, sound: boolean): void;
  goAway(): void;
  /** A frame that is ignored. */
  unknown(): void;
}

const empty = Buffer.alloc(0);

/**
 * What a client sends, checked as far as one frame can be checked by itself (RFC 9113 3.4, 6).
 *
 *   preface --whole--> settings --first SETTINGS--> open --stop--> stopped
 */
export class Inbound {
  readonly #handler: FrameHandler;
  readonly #reader = new FrameReader();
  readonly #blocks = new HeaderBlocks();
  #state: 'preface' | 'settings' | 'open' | 'stopped' = 'preface';
  #begun: Buffer = empty;

  constructor(handler: FrameHandler) {
    this.#handler = handler;
  }

  /** Something has begun and not ended: the preface, a frame, a header block. */
  get partial(): boolean {
    return this.#state === 'preface' || this.#state === 'settings' || this.#blocks.partial || this.#reader.partial;
  }

  /** Throws ConnectionError. */
  feed(chunk: Buffer): void {
    const rest = this.#state === 'preface' ? this.#readPreface(chunk) : chunk;
    if (rest !== null && this.#state !== 'stopped')
      this.#reader.feed(rest, (head, payload) => this.#frame(head, payload));
  }

  /** Nothing more is read. */
  stop(): void {
    this.#state = 'stopped';
  }

  /** What follows the preface; `null`: it is not whole. */
  #readPreface(chunk: Buffer): Buffer | null {
    const bytes = this.#begun.length === 0 ? chunk : Buffer.concat([this.#begun, chunk]);
    const length = Math.min(bytes.length, preface.length);
    if (bytes.compare(preface, 0, length, 0, length) !== 0)
      throw new ConnectionError(errorCode.protocol, 'no preface of HTTP/2');
    this.#begun = bytes;
    if (length < preface.length) return null;
    this.#begun = empty;
    this.#state = 'settings';
    return bytes.subarray(length);
  }

  /** `false`: nothing more is read. */
  #frame(head: FrameHead, payload: Buffer): boolean {
    if (this.#state === 'settings') {
      if (head.type !== frame.settings || (head.flags & flag.ack) !== 0)
        throw new ConnectionError(errorCode.protocol, 'no SETTINGS after the preface');
      this.#state = 'open';
    }
    if (this.#blocks.partial && head.type !== frame.continuation)
      throw new ConnectionError(errorCode.protocol, 'a frame within a header block');
    this.#dispatch(head, payload);
    return this.#state !== 'stopped';
  }

  #dispatch(head: FrameHead, payload: Buffer): void {
    switch (head.type) {
      case frame.data:
        this.#data(head, payload);
        break;
      case frame.headers:
        this.#whole(this.#blocks.headers(head, payload));
        break;
      case frame.continuation:
        this.#whole(this.#blocks.continuation(head, payload));
        break;
      case frame.reset:
        requireStream(head);
        requireLength(payload, 4);
        this.#handler.resetBy(head.stream);
        break;
      case frame.settings:
        this.#settings(head, payload);
        break;
      case frame.ping:
        requireConnection(head);
        requireLength(payload, 8);
        this.#handler.ping(payload.toString('latin1'), (head.flags & flag.ack) !== 0);
        break;
      case frame.windowUpdate:
        requireLength(payload, 4);
        this.#handler.windowUpdate(head.stream, payload.readUInt32BE(0) & maxUint31);
        break;
      default:
        this.#dispatchSeldom(head, payload);
    }
  }

  #dispatchSeldom(head: FrameHead, payload: Buffer): void {
    switch (head.type) {
      case frame.priority:
        requireStream(head);
        this.#handler.priority(head.stream, payload.length === 5);
        break;
      case frame.goAway:
        requireConnection(head);
        if (payload.length < 8) throw new ConnectionError(errorCode.frameSize, 'GOAWAY of a wrong length');
        this.#handler.goAway();
        break;
      case frame.pushPromise:
        throw new ConnectionError(errorCode.protocol, 'PUSH_PROMISE from a client');
      default:
        // RFC 9113 5.5.
        this.#handler.unknown();
    }
  }

  #data(head: FrameHead, payload: Buffer): void {
    requireStream(head);
    const last = (head.flags & flag.endStream) !== 0;
    this.#handler.data(head.stream, { piece: unpadded(head, payload), cost: payload.length, last });
  }

  #settings(head: FrameHead, payload: Buffer): void {
    requireConnection(head);
    const ack = (head.flags & flag.ack) !== 0;
    if (ack) requireLength(payload, 0);
    this.#handler.settings(ack ? null : payload);
  }

  #whole(block: HeaderBlock | null): void {
    if (block !== null) this.#handler.block(block);
  }
}

function requireStream(head: FrameHead): void {
  if (head.stream === 0) throw new ConnectionError(errorCode.protocol, 'a frame of streams on the connection');
}

function requireConnection(head: FrameHead): void {
  if (head.stream !== 0) throw new ConnectionError(errorCode.protocol, 'a frame of the connection on a stream');
}
