import type { Socket } from 'node:net';
import { bounds } from './bounds.ts';
import { defaultFrameSize, defaultWindow, flag, frame, maxUint31 } from './codes.ts';
import { frameHead } from './frames.ts';

/** A stream as far as its body has to go out. */
export interface Sender {
  readonly id: number;
  readonly sending: SendQueue;
  /** All that was given has gone into the outbox. */
  sent(): void;
}

/** The body of one answer on its way, under the client's window for the stream (RFC 9113 5.2). */
export class SendQueue {
  readonly pieces: (string | Buffer)[] = [];
  window: number;
  /** Nothing follows what is here. */
  ended = false;
  /** Bytes that have gone out. */
  moved = 0;

  constructor(window: number) {
    this.window = window;
  }
}

/**
 * What one connection sends. Small frames gather in one text and leave together once a turn of the event loop; bodies go out as far as
 * the client's windows and the socket take them, stream after stream, a frame of each.
 */
export class Outbox {
  readonly #socket: Socket;
  readonly #flush: () => void;
  readonly #waiting = new Set<Sender>();
  #pieces: (string | Buffer)[] = [];
  #text = '';
  #size = 0;
  #scheduled = false;
  #full = false;
  /** The client's window for the connection. */
  #window = defaultWindow;
  /** Frames of bodies that went out: window updates that answer them are no nuisance. */
  dataFrames = 0;

  constructor(socket: Socket, guard: (step: () => void) => () => void) {
    this.#socket = socket;
    this.#flush = guard(() => this.flush());
  }

  /** The client takes nothing: what it makes us send must not pile up. */
  get overflowing(): boolean {
    return this.#size + this.#socket.writableLength > bounds.outboxLimit;
  }

  /** The socket does not take what there is. */
  get full(): boolean {
    return this.#full;
  }

  frames(text: string): void {
    this.#text += text;
    this.#size += text.length;
    this.#schedule();
  }

  /** Sends what the windows allow now, and the rest as they open. `true`: nothing is left. */
  body(sender: Sender): boolean {
    this.#waiting.add(sender);
    this.#pump();
    return !this.#waiting.has(sender);
  }

  /** What waits of a stream is dropped. */
  drop(sender: Sender): void {
    this.#waiting.delete(sender);
  }

  /** `false`: beyond what a window may be. */
  widen(increment: number): boolean {
    this.#window += increment;
    if (this.#window > maxUint31) return false;
    this.#pump();
    return true;
  }

  /** A stream's window has grown. */
  widened(sender: Sender): void {
    if (this.#waiting.has(sender)) this.#pump();
  }

  flush(): void {
    this.#scheduled = false;
    const pieces = this.#pieces;
    if (this.#text !== '') pieces.push(this.#text);
    if (pieces.length === 0) return;
    this.#text = '';
    this.#pieces = [];
    this.#size = 0;
    let taken: boolean;
    if (pieces.length === 1) taken = this.#write(pieces[0] as string | Buffer);
    else {
      this.#socket.cork();
      taken = pieces.map((piece) => this.#write(piece)).every(Boolean);
      this.#socket.uncork();
    }
    if (!taken) this.#full = true;
    else this.#pump();
  }

  /** The socket takes more. */
  drained(): void {
    this.#full = false;
    this.#pump();
  }

  #write(piece: string | Buffer): boolean {
    return typeof piece === 'string' ? this.#socket.write(piece, 'latin1') : this.#socket.write(piece);
  }

  #schedule(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    setImmediate(this.#flush);
  }

  /** One frame of each stream in turn: a large answer does not keep a small one waiting. */
  #pump(): void {
    for (let moved = true; moved; ) {
      moved = false;
      for (const sender of this.#waiting) {
        if (this.#full || this.#size + this.#socket.writableLength >= bounds.outboxSize) return;
        if (this.#step(sender)) moved = true;
      }
    }
  }

  /** Sends one frame of a stream's body; `false` where its windows or its body are used up. */
  #step(sender: Sender): boolean {
    const { sending } = sender;
    const [piece] = sending.pieces;
    const length = Math.min(piece?.length ?? 0, defaultFrameSize, sending.window, this.#window);
    if (piece !== undefined && length <= 0) return false;
    if (piece !== undefined) {
      const whole = length === piece.length;
      if (whole) sending.pieces.shift();
      else sending.pieces[0] = typeof piece === 'string' ? piece.slice(length) : piece.subarray(length);
      const part = whole ? piece : typeof piece === 'string' ? piece.slice(0, length) : piece.subarray(0, length);
      sending.window -= length;
      sending.moved += length;
      this.#window -= length;
      this.#data(sender, part);
    } else if (sending.ended) this.#data(sender, '');
    if (sending.pieces.length > 0) return true;
    this.#waiting.delete(sender);
    sender.sent();
    return false;
  }

  #data({ id, sending }: Sender, part: string | Buffer): void {
    const last = sending.ended && sending.pieces.length === 0;
    this.dataFrames += 1;
    this.frames(frameHead(part.length, { type: frame.data, flags: last ? flag.endStream : 0, stream: id }));
    if (typeof part === 'string') this.frames(part);
    else {
      this.#pieces.push(this.#text, part);
      this.#text = '';
      this.#size += part.length;
    }
  }
}
