import type { Socket } from 'node:net';
import type { RequestHead } from '../http/request-head.ts';
import type { ResponseHead } from '../http/response-head.ts';
import type { AnswerSink, Client, InterimHead } from '../plane/client-port.ts';
import type { Exchange } from '../plane/exchange.ts';
import { bounds } from './bounds.ts';
import { errorCode } from './codes.ts';
import { encodeHead } from './hpack-encoder.ts';
import { type Sender, SendQueue } from './outbox.ts';
import { ReceiveWindow } from './receive-window.ts';

/** The connection, as its streams need it. */
export interface StreamGround {
  readonly scheme: 'https';
  readonly remote: string;
  readonly remoteHash: number;
  /** Monotonic milliseconds. */
  readonly now: number;
  /** Milliseconds of silence that a client may take within a body, in either direction. */
  readonly bodyTimeout: number;
  readonly dateLine: string;
  forwardedFields(host: string): string;
  covers(host: string): boolean;
  sendHead(stream: H2Stream, block: string, last: boolean): void;
  /** `true`: all of it is on its way. */
  sendBody(stream: H2Stream): boolean;
  /** Ends the stream with RST_STREAM. */
  reset(stream: H2Stream, code: number): void;
  /** The stream is over in both directions. */
  close(stream: H2Stream): void;
  /** Bytes were passed on: the client may send as many again on the connection. */
  credit(bytes: number): void;
  /** The client may send so many more on the stream. */
  grant(stream: H2Stream, bytes: number): void;
}

const never = Number.POSITIVE_INFINITY;

/**
 * One request and its answer on an HTTP/2 connection (RFC 9113 5.1).
 *
 *   open --END_STREAM from the client--> half-closed --answer out--> closed
 *     `--answer out: RST_STREAM(NO_ERROR), the rest of the body is not wanted--^
 *   any --RST_STREAM by either side--> closed
 */
export class H2Stream implements Client, AnswerSink, Sender {
  readonly id: number;
  readonly sending: SendQueue;
  readonly keep = true;
  readonly #ground: StreamGround;
  /** Of the client for its body. */
  readonly window: ReceiveWindow;
  /** The client sends no more. */
  remoteEnded: boolean;
  #exchange: Exchange | null = null;
  #method = '';
  /** Body bytes that the head announced and that have not come; -1: any number. */
  #owed = -1;
  #head: { readonly head: ResponseHead; readonly length: number } | null = null;
  #closed = false;
  #bodyEnded = false;
  /** The exchange was told to hold back. */
  #blocked = false;
  #movedBefore = 0;
  #held = false;
  /** Bytes that came while the body was held back. */
  #unread = 0;
  #receiveBy = never;
  #sendBy = never;

  /** `window`: of the client, for the answer. `bodyless`: the request is its head. */
  constructor(
    ground: StreamGround,
    { id, window, bodyless }: { readonly id: number; readonly window: number; readonly bodyless: boolean },
  ) {
    this.#ground = ground;
    this.id = id;
    this.sending = new SendQueue(window);
    this.remoteEnded = bodyless;
    this.window = new ReceiveWindow(bounds.streamWindow, (bytes) => ground.grant(this, bytes));
  }

  get scheme(): 'https' {
    return this.#ground.scheme;
  }

  get remote(): string {
    return this.#ground.remote;
  }

  get remoteHash(): number {
    return this.#ground.remoteHash;
  }

  // What the connection reads.

  /** The request has come up to its head; `exchange` answers it. */
  begin(exchange: Exchange, head: RequestHead): void {
    this.#exchange = exchange;
    this.#method = head.method;
    this.#owed = head.contentLength;
    exchange.begin();
    if (!exchange.body.done) {
      this.#receiveBy = this.#ground.now + this.#ground.bodyTimeout;
      return;
    }
    this.#bodyEnded = true;
    exchange.bodyEnded();
  }

  /** Answers without looking at the request any further. */
  refuse(exchange: Exchange, status: number): void {
    this.#exchange = exchange;
    exchange.answer(status);
  }

  /** Bytes of the body; `cost` of the window with padding. `false`: they are more or fewer than announced. */
  data(piece: Buffer, { cost, last }: { readonly cost: number; readonly last: boolean }): boolean {
    if (this.#owed !== -1) {
      this.#owed -= piece.length;
      if (this.#owed < 0 || (last && this.#owed > 0)) return false;
    }
    if (piece.length > 0 && !this.#held) this.#receiveBy = this.#ground.now + this.#ground.bodyTimeout;
    if (piece.length > 0) this.#exchange?.bodyPiece(piece);
    if (this.#held && !last) this.#unread += cost;
    else this.#passedOn(cost);
    if (last) this.#ended();
    return true;
  }

  /** The body ends with trailers, which nobody is told. `false`: it was announced as longer. */
  trailers(): boolean {
    if (this.#owed > 0) return false;
    this.#ended();
    return true;
  }

  /** All that one read brought has been passed on. */
  readPaused(): void {
    if (!this.remoteEnded && !this.#closed) this.#exchange?.readPaused();
  }

  /** The stream or the connection is gone. */
  gone(): void {
    const exchange = this.#exchange;
    this.#shut();
    exchange?.clientGone();
  }

  sweep(now: number): void {
    this.#exchange?.sweep(now);
    if (now >= this.#receiveBy && !this.#held) {
      this.#receiveBy = never;
      this.#exchange?.fail(408);
    }
    if (now < this.#sendBy) return;
    if (this.sending.moved === this.#movedBefore) {
      this.#ground.reset(this, errorCode.cancel);
      this.gone();
      return;
    }
    this.#movedBefore = this.sending.moved;
    this.#sendBy = now + this.#ground.bodyTimeout;
  }

  sent(): void {
    this.#sendBy = never;
    if (this.sending.ended) this.#finish();
    else if (this.#blocked) {
      this.#blocked = false;
      this.#exchange?.clientWritable();
    }
  }

  // What the exchange asks of a client.

  forwardedFields(host: string): string {
    return this.#ground.forwardedFields(host);
  }

  covers(host: string): boolean {
    return this.#ground.covers(host);
  }

  answerTo(): AnswerSink {
    return this;
  }

  interim({ status, fields }: InterimHead): void {
    if (!this.#closed) this.#ground.sendHead(this, encodeHead(status, fields), false);
  }

  /** RFC 9113 8.6: there is none. */
  switchProtocols(): Socket | null {
    return null;
  }

  becomeTunnel(): void {
    throw new Error('HTTP/2 has no upgrade');
  }

  holdBody(): void {
    if (!this.remoteEnded) this.#held = true;
  }

  resumeBody(): void {
    if (!this.#held) return;
    this.#held = false;
    this.#receiveBy = this.remoteEnded ? never : this.#ground.now + this.#ground.bodyTimeout;
    const unread = this.#unread;
    this.#unread = 0;
    if (unread > 0) this.#passedOn(unread);
  }

  /** What is on its way goes on. */
  finished(): void {
    this.#exchange = null;
    this.#receiveBy = never;
  }

  abort(): void {
    if (!this.#closed) this.#ground.reset(this, errorCode.internal);
    this.#shut();
  }

  // Where the answer goes.

  head(head: ResponseHead, length: number): void {
    this.#head = { head, length };
  }

  text(body: string): boolean {
    this.#sendHead(false);
    return body === '' || this.#send(body);
  }

  bytes(bytes: Buffer, start: number, end: number): boolean {
    this.#sendHead(false);
    return this.#send(Buffer.from(bytes.subarray(start, end)));
  }

  end(body: string): void {
    const waits = this.#head !== null;
    this.#sendHead(body === '');
    this.sending.ended = true;
    if (waits && body === '') this.#finish();
    else this.#send(body);
  }

  #sendHead(last: boolean): void {
    const waiting = this.#head;
    if (waiting === null) return;
    this.#head = null;
    if (this.#closed) return;
    const { head } = waiting;
    const bodyless = this.#method === 'HEAD' || head.status === 304 || head.status === 204;
    const length = bodyless ? head.contentLength : waiting.length;
    const lengthLine = length === -1 || head.status === 204 ? '' : `content-length:${length}\r\n`;
    const date = head.dated ? '' : this.#ground.dateLine;
    this.#ground.sendHead(this, encodeHead(head.status, `${head.fields}${date}${lengthLine}`), last);
  }

  #send(piece: string | Buffer): boolean {
    if (this.#closed) return true;
    if (piece.length > 0) this.sending.pieces.push(piece);
    if (this.#ground.sendBody(this)) return true;
    this.#blocked = true;
    if (this.#sendBy === never) {
      this.#sendBy = this.#ground.now + this.#ground.bodyTimeout;
      this.#movedBefore = this.sending.moved;
    }
    return false;
  }

  #passedOn(bytes: number): void {
    this.#ground.credit(bytes);
    if (!this.remoteEnded) this.window.giveBack(bytes);
  }

  #ended(): void {
    this.remoteEnded = true;
    this.#held = false;
    this.#receiveBy = never;
    if (this.#bodyEnded) return;
    this.#bodyEnded = true;
    this.#exchange?.bodyEnded();
  }

  /** The answer is out. A body that is still coming is not wanted any more (RFC 9113 8.1). */
  #finish(): void {
    if (this.#closed) return;
    const whole = this.remoteEnded;
    this.#shut();
    if (whole) this.#ground.close(this);
    else this.#ground.reset(this, errorCode.none);
  }

  /** Lets go of the exchange; what the client sent and nobody read is its to send again on other streams. */
  #shut(): void {
    const unread = this.#unread;
    this.#exchange = null;
    this.#closed = true;
    this.remoteEnded = true;
    this.#unread = 0;
    this.sending.pieces.length = 0;
    if (unread > 0) this.#ground.credit(unread);
  }
}
