import type { Socket } from 'node:net';
import { Refusal } from '../http/refusal.ts';
import { RequestHead } from '../http/request-head.ts';
import { hashOf } from '../plane/balance.ts';
import { Exchange } from '../plane/exchange.ts';
import { forwardedFieldsOf, routedHost } from '../plane/forwarded.ts';
import type { Ground } from '../plane/ground.ts';
import { type ClientGround, type PlaneClient, remoteOf, type SecureSide } from '../plane/plane-client.ts';
import { bounds, Patience } from './bounds.ts';
import { ConnectionError, errorCode, maxUint31 } from './codes.ts';
import {
  goAwayFrame,
  greeting,
  headersFrames,
  pingFrame,
  resetFrame,
  settingsAck,
  windowUpdateFrame,
} from './frames.ts';
import type { HeaderBlock } from './header-block.ts';
import { HpackDecoder } from './hpack-decoder.ts';
import { type FrameHandler, Inbound } from './inbound.ts';
import { Outbox } from './outbox.ts';
import { PeerSettings } from './peer-settings.ts';
import { ReceiveWindow } from './receive-window.ts';
import { RequestReader } from './request-reader.ts';
import { H2Stream, type StreamGround } from './stream.ts';
import { StreamTable } from './stream-table.ts';

const drainPing = 'draining';
const never = Number.POSITIVE_INFINITY;

/**
 * One client's connection of HTTP/2 (RFC 9113).
 *
 *   open --error, idle, drained: GOAWAY--> closing (our side has ended) --> gone
 *
 * While the worker drains: GOAWAY for all streams and a PING; when that is answered, GOAWAY with the last stream that counts (6.8).
 */
export class H2Connection implements PlaneClient, StreamGround, FrameHandler {
  readonly scheme = 'https';
  readonly remote: string;
  readonly remoteHash: number;
  readonly #client: ClientGround;
  readonly #ground: Ground;
  readonly #socket: Socket;
  readonly #secure: SecureSide;
  readonly #inbound = new Inbound(this);
  readonly #decoder = new HpackDecoder();
  readonly #settings = new PeerSettings();
  readonly #outbox: Outbox;
  readonly #streams = new StreamTable();
  /** Streams whose body came in the present read. */
  readonly #touched = new Set<H2Stream>();
  readonly #patience: Patience;
  /** Of all bodies together. */
  readonly #window: ReceiveWindow;
  #closing = false;
  /** Streams above it are not taken: GOAWAY has said so. */
  #lastTaken = maxUint31;
  /** Frames of bodies that a window update has answered. */
  #answeredFrames = 0;
  #deadline: number;
  #blockedSince = never;
  #drainingSince = never;
  #idleSince: number;
  #host = '';
  #forwarded = '';

  constructor(client: ClientGround, socket: Socket, secure: SecureSide) {
    this.#client = client;
    this.#ground = client.ground;
    this.#socket = socket;
    this.#secure = secure;
    this.remote = remoteOf(socket);
    this.remoteHash = hashOf(this.remote);
    this.#deadline = this.now + this.#ground.limits.headTimeout;
    this.#idleSince = this.now;
    this.#patience = new Patience(this.now);
    this.#window = new ReceiveWindow(bounds.connectionWindow, (bytes) => this.#grant(0, bytes));
    this.#outbox = new Outbox(socket, (step) => {
      const guarded = this.#ground.guard(socket, step);
      return () => guarded(undefined);
    });
    this.#listen();
    this.#outbox.frames(greeting(this.#ground.limits.headSize));
  }

  // What streams ask.

  get now(): number {
    return this.#ground.clock.now;
  }

  get bodyTimeout(): number {
    return this.#ground.limits.bodyTimeout;
  }

  get dateLine(): string {
    return this.#ground.dateLine;
  }

  forwardedFields(host: string): string {
    if (host !== this.#host || this.#forwarded === '') {
      this.#host = host;
      this.#forwarded = forwardedFieldsOf({ remote: this.remote, scheme: this.scheme, host });
    }
    return this.#forwarded;
  }

  covers(host: string): boolean {
    return this.#secure.covers(host);
  }

  sendHead(stream: H2Stream, block: string, last: boolean): void {
    // The dynamic table, which we do not use, is set to nothing where the client has changed its size.
    const resized = this.#settings.tableChanged ? '\x20' : '';
    this.#settings.tableChanged = false;
    this.#outbox.frames(headersFrames(stream.id, resized + block, last));
  }

  sendBody(stream: H2Stream): boolean {
    return this.#outbox.body(stream);
  }

  reset(stream: H2Stream, code: number): void {
    this.#outbox.frames(resetFrame(stream.id, code));
    this.#forget(stream, true);
  }

  close(stream: H2Stream): void {
    this.#forget(stream, false);
  }

  credit(bytes: number): void {
    this.#window.giveBack(bytes);
  }

  grant(stream: H2Stream, bytes: number): void {
    if (!stream.remoteEnded) this.#grant(stream.id, bytes);
  }

  // What the plane asks.

  sweep(now: number): void {
    for (const stream of this.#streams.values()) stream.sweep(now);
    this.#blockedSince = this.#outbox.full ? Math.min(this.#blockedSince, now) : never;
    if (this.#outbox.overflowing || now - this.#blockedSince >= this.bodyTimeout) this.destroy();
    else if (now >= this.#deadline) {
      if (this.#closing) this.destroy();
      else this.#leave(errorCode.none);
    } else if (this.#streams.size === 0 && now - this.#idleSince >= this.#ground.limits.keepAliveTimeout)
      this.#leave(errorCode.none);
  }

  endIdle(idle: number): void {
    if (this.#closing) return;
    if (this.#drainingSince === never) {
      this.#drainingSince = this.now;
      this.#outbox.frames(goAwayFrame(maxUint31, errorCode.none) + pingFrame(drainPing, false));
    } else if (this.now - this.#drainingSince >= idle) this.#takeNoMore();
  }

  destroy(): void {
    this.#socket.destroy();
  }

  // What the client sends.

  data(
    id: number,
    { piece, cost, last }: { readonly piece: Buffer; readonly cost: number; readonly last: boolean },
  ): void {
    if (piece.length === 0 && !last) this.#patience.nuisance(this.now);
    if (!this.#window.take(cost))
      throw new ConnectionError(errorCode.flowControl, 'more than the window of the connection');
    const stream = this.#streams.get(id);
    if (stream === undefined || stream.remoteEnded) {
      this.#dataAfterEnd(id, { cost, stream });
      return;
    }
    if (!stream.window.take(cost)) this.#fail(stream, errorCode.flowControl);
    else if (!stream.data(piece, { cost, last })) this.#fail(stream, errorCode.protocol);
    else if (!last) this.#touched.add(stream);
  }

  block({ stream: id, bytes, last }: HeaderBlock): void {
    const known = this.#streams.get(id);
    if (id % 2 === 0) throw new ConnectionError(errorCode.protocol, 'an even stream from a client');
    if (known === undefined && id <= this.#streams.last) this.#requireReset(id);
    const reader = new RequestReader(this.#ground.limits);
    this.#decoder.decode(bytes, (name, value) => reader.field(name, value));
    if (known !== undefined) this.#trailers(known, { reader, last });
    else if (id <= this.#streams.last) this.#patience.nuisance(this.now);
    else this.#open(id, { reader, last });
  }

  resetBy(id: number): void {
    this.#streams.requireUsed(id);
    this.#patience.reset(this.now);
    const stream = this.#streams.get(id);
    if (stream === undefined) return;
    this.#forget(stream, false);
    stream.gone();
  }

  settings(payload: Buffer | null): void {
    this.#patience.nuisance(this.now);
    if (payload === null) return;
    const growth = this.#settings.apply(payload);
    this.#outbox.frames(settingsAck);
    if (growth === 0) return;
    for (const stream of this.#streams.values()) {
      stream.sending.window += growth;
      if (stream.sending.window > maxUint31) throw new ConnectionError(errorCode.flowControl, 'a window too large');
      if (growth > 0) this.#outbox.widened(stream);
    }
  }

  ping(payload: string, ack: boolean): void {
    this.#patience.nuisance(this.now);
    if (!ack) this.#outbox.frames(pingFrame(payload, true));
    else if (payload === drainPing && this.#drainingSince !== never) this.#takeNoMore();
  }

  windowUpdate(id: number, increment: number): void {
    this.#streams.requireUsed(id);
    if (this.#outbox.dataFrames > this.#answeredFrames) this.#answeredFrames += 1;
    else this.#patience.nuisance(this.now);
    if (id === 0) {
      if (increment === 0) throw new ConnectionError(errorCode.protocol, 'a window update of 0');
      if (!this.#outbox.widen(increment)) throw new ConnectionError(errorCode.flowControl, 'a window too large');
      return;
    }
    const stream = this.#streams.get(id);
    if (stream === undefined) return;
    stream.sending.window += increment;
    if (increment === 0) this.#fail(stream, errorCode.protocol);
    else if (stream.sending.window > maxUint31) this.#fail(stream, errorCode.flowControl);
    else this.#outbox.widened(stream);
  }

  /** Deprecated (RFC 9113 5.3.2): looked at for its form only. */
  priority(id: number, sound: boolean): void {
    this.#patience.nuisance(this.now);
    if (sound) return;
    const stream = this.#streams.get(id);
    if (stream === undefined) throw new ConnectionError(errorCode.frameSize, 'PRIORITY of a wrong length');
    this.#fail(stream, errorCode.frameSize);
  }

  /** The client takes no pushed streams, of which there are none; what it has asked for is answered. */
  goAway(): void {
    this.#patience.nuisance(this.now);
    this.#takeNoMore();
  }

  unknown(): void {
    this.#patience.nuisance(this.now);
  }

  #listen(): void {
    const socket = this.#socket;
    const guarded = <T>(step: (argument: T) => void): ((argument: T) => void) => this.#ground.guard(socket, step);
    socket.on(
      'data',
      guarded((chunk: Buffer) => this.#read(chunk)),
    );
    socket.on(
      'drain',
      guarded(() => this.#outbox.drained()),
    );
    // Half of a connection is of no use to either side.
    socket.on('end', () => socket.destroySoon());
    socket.on('error', () => undefined);
    socket.on('close', () => {
      this.#client.closed(this);
      guarded(() => this.#abandon())(undefined);
    });
  }

  #read(chunk: Buffer): void {
    if (this.#closing) return;
    this.#ground.clock.now = performance.now();
    try {
      this.#inbound.feed(chunk);
    } catch (error) {
      if (!(error instanceof ConnectionError)) throw error;
      this.#leave(error.code);
    }
    for (const stream of this.#touched) stream.readPaused();
    this.#touched.clear();
    if (this.#closing) return;
    if (!this.#inbound.partial) this.#deadline = never;
    else if (this.#deadline === never) this.#deadline = this.now + this.#ground.limits.headTimeout;
  }

  /** RFC 9113 5.1: a stream that ended by itself, or one that we have reset a moment ago. */
  #dataAfterEnd(id: number, { cost, stream }: { readonly cost: number; readonly stream: H2Stream | undefined }): void {
    this.#streams.requireUsed(id);
    this.credit(cost);
    if (stream !== undefined) this.#fail(stream, errorCode.streamClosed);
    else if (this.#streams.past(id) === 'reset') this.#patience.nuisance(this.now);
    else this.#refuse(id, errorCode.streamClosed);
  }

  /** A stream that has ended is not opened again. */
  #requireReset(id: number): void {
    const past = this.#streams.past(id);
    if (past === 'reset') return;
    const code = past === 'ended' ? errorCode.streamClosed : errorCode.protocol;
    throw new ConnectionError(code, 'HEADERS on a stream that has ended');
  }

  #trailers(stream: H2Stream, { reader, last }: { readonly reader: RequestReader; readonly last: boolean }): void {
    if (stream.remoteEnded) this.#fail(stream, errorCode.streamClosed);
    else if (!last || !reader.soundTrailers || !stream.trailers()) this.#fail(stream, errorCode.protocol);
  }

  #open(id: number, { reader, last }: { readonly reader: RequestReader; readonly last: boolean }): void {
    this.#streams.last = id;
    if (id > this.#lastTaken || this.#streams.size >= bounds.streams) {
      this.#refuse(id, errorCode.refusedStream);
      return;
    }
    const head = reader.head(last, this.#ground.fields);
    if (head === 'malformed') {
      this.#refuse(id, errorCode.protocol);
      return;
    }
    const stream = new H2Stream(this, { id, window: this.#settings.initialWindow, bodyless: last });
    this.#streams.add(stream);
    const ground = { ground: this.#ground, router: this.#client.router, client: stream };
    if (head instanceof Refusal) {
      const nothing = new RequestHead();
      nothing.http2 = true;
      stream.refuse(new Exchange(ground, nothing, ''), head.status);
      return;
    }
    if (!last) this.#touched.add(stream);
    stream.begin(new Exchange(ground, head, routedHost(head.host)), head);
  }

  #grant(id: number, bytes: number): void {
    if (!this.#closing) this.#outbox.frames(windowUpdateFrame(id, bytes));
  }

  #fail(stream: H2Stream, code: number): void {
    this.#patience.reset(this.now);
    this.reset(stream, code);
    stream.gone();
  }

  /** Ends a stream that was never taken. */
  #refuse(id: number, code: number): void {
    this.#patience.reset(this.now);
    this.#outbox.frames(resetFrame(id, code));
    this.#streams.remove(id, true);
  }

  #forget(stream: H2Stream, reset: boolean): void {
    this.#streams.remove(stream.id, reset);
    this.#outbox.drop(stream);
    this.#touched.delete(stream);
    if (this.#streams.size > 0) return;
    this.#idleSince = this.now;
    if (this.#lastTaken < maxUint31) this.#leave(errorCode.none);
  }

  #takeNoMore(): void {
    if (this.#closing || this.#lastTaken < maxUint31) return;
    this.#lastTaken = this.#streams.last;
    this.#outbox.frames(goAwayFrame(this.#lastTaken, errorCode.none));
    if (this.#streams.size === 0) this.#leave(errorCode.none);
  }

  /** Says goodbye; what is under way ends, for nothing on the connection can be relied on. */
  #leave(code: number): void {
    if (this.#closing) return;
    const told = code === errorCode.none && this.#lastTaken < maxUint31;
    if (!told) this.#outbox.frames(goAwayFrame(this.#streams.last, code));
    this.#abandon();
    this.#deadline = this.now + this.#ground.limits.lingerTimeout;
    this.#outbox.flush();
    this.#socket.end();
    this.#socket.resume();
  }

  #abandon(): void {
    this.#closing = true;
    this.#inbound.stop();
    this.#touched.clear();
    for (const stream of this.#streams.clear()) stream.gone();
  }
}
