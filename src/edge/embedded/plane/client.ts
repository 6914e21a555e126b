import type { Socket } from 'node:net';
import { ChunkedDecoder, type PayloadSink } from '../http/chunked.ts';
import { HeadScanner, NEEDS_MORE } from '../http/head-scanner.ts';
import { type Refusal as RefusalType, Refusal, refusals } from '../http/refusal.ts';
import { parseRequestHead, RequestHead } from '../http/request-head.ts';
import { hashOf } from './balance.ts';
import type { AnswerSink, Asked, Client, InterimHead } from './client-port.ts';
import { Exchange } from './exchange.ts';
import { forwardedFieldsOf, routedHost } from './forwarded.ts';
import type { Ground } from './ground.ts';
import { type ClientGround, type PlaneClient, remoteOf, type SecureSide } from './plane-client.ts';
import type { Router } from './router.ts';
import { TextAnswer, type TextWriter } from './text-answer.ts';

/** What a client may send ahead while its request is answered; beyond it the connection is not read. Bytes. */
const maxAhead = 64 * 1024;

const state = { head: 0, body: 1, busy: 2, tunnel: 3, closing: 4, gone: 5 } as const;

/**
 * One client's connection: requests one after the other, each answered before the next is looked at.
 *
 *   head --whole--> body --ended--> busy --answered--> head
 *                     `---------------`---101--> tunnel
 *   any --refused, or not to be kept--> closing (our side has ended; what still comes is dropped) --> gone
 */
export class ClientConnection implements Client, PlaneClient, PayloadSink, TextWriter {
  readonly socket: Socket;
  readonly remote: string;
  readonly remoteHash: number;
  readonly #ground: Ground;
  readonly #router: Router;
  readonly #closed: (client: PlaneClient) => void;
  readonly #secure: SecureSide | null;
  readonly #scanner: HeadScanner;
  readonly scheme: 'http' | 'https';
  #state: number = state.head;
  #exchange: Exchange | null = null;
  #decoder: ChunkedDecoder | null = null;
  readonly #chunks: Buffer[] = [];
  #remaining = 0;
  #ahead: Buffer | null = null;
  #aheadHeld = false;
  #reading = false;
  #emptyLine = false;
  #bodyHeld = false;
  #blocked = false;
  #served = false;
  #deadline: number;
  /** Forwarding fields and routed host for the last Host that this client sent: seldom does it send another. */
  #host = '';
  #routedHost = '';
  #forwarded = '';

  /** `secure`: what is known of the TLS connection that `socket` is; `null` for plain TCP. */
  constructor({ ground, router, closed }: ClientGround, socket: Socket, secure: SecureSide | null = null) {
    this.#ground = ground;
    this.#secure = secure;
    this.#router = router;
    this.#closed = closed;
    this.socket = socket;
    this.#scanner = new HeadScanner(ground.limits);
    this.remote = remoteOf(socket);
    this.remoteHash = hashOf(this.remote);
    this.scheme = secure === null ? 'http' : 'https';
    this.#deadline = ground.clock.now + ground.limits.headTimeout;
    this.#listen();
  }

  forwardedFields(host: string): string {
    this.#adoptHost(host);
    return this.#forwarded;
  }

  covers(host: string): boolean {
    return this.#secure === null || this.#secure.covers(host);
  }

  answerTo(asked: Asked): AnswerSink {
    return new TextAnswer(this.#ground, asked, this);
  }

  interim({ status, reason, fields }: InterimHead): void {
    this.write(`HTTP/1.1 ${status} ${reason}\r\n${fields}\r\n`);
  }

  /** `false`: hold back until `clientWritable`. Text is latin-1. */
  write(data: string | Buffer): boolean {
    if (this.#state >= state.closing) return true;
    const taken = typeof data === 'string' ? this.socket.write(data, 'latin1') : this.socket.write(data);
    if (!taken && !this.#blocked) {
      this.#blocked = true;
      this.#deadline = this.#ground.clock.now + this.#ground.limits.bodyTimeout;
    }
    return taken;
  }

  switchProtocols(head: InterimHead): Socket {
    this.interim(head);
    return this.socket;
  }

  holdBody(): void {
    if (this.#state !== state.body) return;
    this.#bodyHeld = true;
    this.socket.pause();
  }

  resumeBody(): void {
    if (!this.#bodyHeld) return;
    this.#bodyHeld = false;
    this.#deadline = this.#ground.clock.now + this.#ground.limits.bodyTimeout;
    this.socket.resume();
  }

  finished(keep: boolean): void {
    if (this.#state >= state.closing) return;
    this.#exchange = null;
    if (!keep) {
      this.#close();
      return;
    }
    this.#served = true;
    this.#emptyLine = false;
    this.#state = state.head;
    this.#deadline = this.#ground.clock.now + this.#ground.limits.keepAliveTimeout;
    if (!this.#reading) this.#readAhead();
  }

  abort(): void {
    this.#state = state.gone;
    this.#exchange = null;
    // Over TLS the reset goes out below it: without a close_notify the client knows that the answer is not whole (RFC 8446 6.1).
    (this.#secure?.raw ?? this.socket).resetAndDestroy();
    this.socket.destroy();
  }

  becomeTunnel(): void {
    this.#state = state.tunnel;
    const ahead = this.#ahead;
    this.#ahead = null;
    this.#deadline = Number.POSITIVE_INFINITY;
    if (ahead !== null) this.#exchange?.tunnelData(ahead);
    this.socket.resume();
  }

  /** Ends a connection that serves nothing and has served nothing for `idle` milliseconds. */
  endIdle(idle: number): void {
    const since =
      this.#deadline - (this.#served ? this.#ground.limits.keepAliveTimeout : this.#ground.limits.headTimeout);
    if (this.#state === state.head && !this.#scanner.partial && this.#ground.clock.now - since >= idle) this.#close();
  }

  destroy(): void {
    this.socket.destroy();
  }

  sweep(now: number): void {
    this.#exchange?.sweep(now);
    if (now < this.#deadline) return;
    switch (this.#state) {
      case state.head:
        if (this.#scanner.partial) this.#refuse(timedOut);
        else this.#close();
        break;
      case state.body:
        if (!this.#bodyHeld) this.#exchange?.fail(timedOut.status);
        break;
      case state.busy:
        if (this.#blocked) this.socket.destroy();
        break;
      case state.closing:
        this.socket.destroy();
        break;
    }
  }

  /** What a decoder finds in one read is passed on in one piece, however many chunks it came in. */
  payload(bytes: Buffer, start: number, end: number): void {
    this.#chunks.push(bytes.subarray(start, end));
  }

  #listen(): void {
    const { socket } = this;
    const ground = this.#ground;
    socket.on(
      'data',
      ground.guard(socket, (chunk: Buffer) => this.#data(chunk)),
    );
    socket.on(
      'drain',
      ground.guard(socket, () => this.#drained()),
    );
    socket.on(
      'end',
      ground.guard(socket, () => this.#ended()),
    );
    // `close` follows; without a listener an error would end the process.
    socket.on('error', () => undefined);
    socket.on('close', () => {
      this.#closed(this);
      ground.guard(socket, () => this.#gone())(undefined);
    });
  }

  #ended(): void {
    if (this.#exchange === null) this.socket.destroySoon();
    else this.#exchange.clientEnded();
  }

  #gone(): void {
    const exchange = this.#exchange;
    this.#state = state.gone;
    this.#exchange = null;
    exchange?.clientGone();
  }

  #data(chunk: Buffer): void {
    if (this.#state === state.tunnel) {
      this.#exchange?.tunnelData(chunk);
      return;
    }
    if (this.#state >= state.closing) return;
    if (this.#ahead !== null) {
      this.#keepAhead(Buffer.concat([this.#ahead, chunk]));
      return;
    }
    this.#take(chunk);
  }

  /** Reads requests off `bytes` until it is used up, or one has to be answered first. */
  #take(bytes: Buffer): void {
    this.#reading = true;
    let at = 0;
    while (at < bytes.length && this.#state <= state.body) {
      at = this.#state === state.head ? this.#readHead(bytes, at) : this.#readBody(bytes, at);
      if (this.#blocked && this.#state === state.head) break;
    }
    this.#reading = false;
    if (this.#state === state.body) this.#exchange?.readPaused();
    else if (at < bytes.length && this.#state === state.tunnel) this.#exchange?.tunnelData(bytes.subarray(at));
    else if (at < bytes.length && this.#state < state.closing) this.#keepAhead(bytes.subarray(at));
  }

  #readHead(bytes: Buffer, from: number): number {
    const begun = this.#scanner.partial;
    const end = this.#scanner.feed(bytes, from, bytes.length);
    if (end === NEEDS_MORE) {
      if (!begun) this.#deadline = this.#ground.clock.now + this.#ground.limits.headTimeout;
      return bytes.length;
    }
    if (typeof end !== 'number') {
      this.#refuse(end);
      return bytes.length;
    }
    if (this.#scanner.end - this.#scanner.start === 2) return this.#skipEmptyLine(end, bytes.length);
    const head = parseRequestHead(this.#scanner, this.#ground.fields);
    this.#scanner.reset();
    if (head instanceof Refusal) {
      this.#refuse(head);
      return bytes.length;
    }
    this.#begin(head);
    return end;
  }

  /** One is skipped before a request (RFC 9112 2.2): old clients sent it after a body. */
  #skipEmptyLine(end: number, length: number): number {
    this.#scanner.reset();
    if (!this.#emptyLine) {
      this.#emptyLine = true;
      return end;
    }
    this.#refuse(refusals.requestLine);
    return length;
  }

  #begin(head: RequestHead): void {
    this.#adoptHost(head.host);
    const exchange = new Exchange({ ground: this.#ground, router: this.#router, client: this }, head, this.#routedHost);
    this.#exchange = exchange;
    exchange.begin();
    if (exchange.body.done) {
      this.#state = state.busy;
      this.#deadline = Number.POSITIVE_INFINITY;
      exchange.bodyEnded();
      return;
    }
    this.#state = state.body;
    this.#deadline = this.#ground.clock.now + this.#ground.limits.bodyTimeout;
    this.#remaining = head.contentLength;
    this.#decoder = head.chunked ? new ChunkedDecoder() : null;
  }

  #readBody(bytes: Buffer, from: number): number {
    this.#deadline = this.#ground.clock.now + this.#ground.limits.bodyTimeout;
    let end: number | RefusalType;
    let done: boolean;
    if (this.#decoder === null) {
      end = Math.min(bytes.length, from + this.#remaining);
      this.#remaining -= end - from;
      done = this.#remaining === 0;
      this.#exchange?.bodyPiece(from === 0 && end === bytes.length ? bytes : bytes.subarray(from, end));
    } else {
      end = this.#decoder.feed(bytes, from, this);
      done = this.#decoder.done;
      const [first, ...more] = this.#chunks.splice(0);
      if (first !== undefined) this.#exchange?.bodyPiece(more.length === 0 ? first : Buffer.concat([first, ...more]));
    }
    if (this.#state !== state.body) return bytes.length;
    if (typeof end !== 'number') {
      this.#exchange?.fail(end.status);
      return bytes.length;
    }
    if (!done) return end;
    this.#decoder = null;
    this.#state = state.busy;
    this.#deadline = Number.POSITIVE_INFINITY;
    this.resumeBody();
    this.#exchange?.bodyEnded();
    return end;
  }

  #keepAhead(bytes: Buffer): void {
    this.#ahead = bytes;
    if (bytes.length <= maxAhead) return;
    this.#aheadHeld = true;
    this.socket.pause();
  }

  /** Goes on with what was sent ahead, unless the client does not take its answers. */
  #readAhead(): void {
    const ahead = this.#ahead;
    if (this.#blocked) return;
    if (ahead !== null) {
      this.#ahead = null;
      this.#take(ahead);
    }
    if (!this.#aheadHeld || (this.#ahead !== null && this.#ahead.length > maxAhead)) return;
    this.#aheadHeld = false;
    this.socket.resume();
  }

  #drained(): void {
    this.#blocked = false;
    this.#deadline =
      this.#state === state.head
        ? this.#ground.clock.now + this.#ground.limits.keepAliveTimeout
        : Number.POSITIVE_INFINITY;
    if (this.#state === state.body) this.#deadline = this.#ground.clock.now + this.#ground.limits.bodyTimeout;
    if (this.#state === state.closing) this.#deadline = this.#ground.clock.now + this.#ground.limits.lingerTimeout;
    this.#exchange?.clientWritable();
    if (this.#state === state.head && !this.#reading) this.#readAhead();
  }

  #adoptHost(host: string): void {
    if (host === this.#host && this.#forwarded !== '') return;
    this.#host = host;
    this.#routedHost = routedHost(host);
    this.#forwarded = forwardedFieldsOf({ remote: this.remote, scheme: this.scheme, host });
  }

  /** Answers a head that is not one, and ends. Nothing after it is read: where it ends is not known. */
  #refuse(refusal: Refusal): void {
    const head = new RequestHead();
    head.keepAlive = false;
    const exchange = new Exchange({ ground: this.#ground, router: this.#router, client: this }, head, '');
    this.#exchange = exchange;
    exchange.answer(refusal.status);
  }

  #close(): void {
    this.#state = state.closing;
    this.#exchange = null;
    this.#ahead = null;
    this.#deadline = this.#ground.clock.now + this.#ground.limits.lingerTimeout;
    this.socket.end();
    this.socket.resume();
  }
}

const timedOut = new Refusal(408, 'time-out');
