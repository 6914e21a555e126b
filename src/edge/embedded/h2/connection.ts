import type { Socket } from 'node:net';
import { Refusal } from '../http/refusal.ts';
import { RequestHead } from '../http/request-head.ts';
import { hashOf } from '../plane/balance.ts';
import { Exchange } from '../plane/exchange.ts';
import { forwardedFieldsOf, routedHost } from '../plane/forwarded.ts';
import type { Ground } from '../plane/ground.ts';
import { type ClientGround, type PlaneClient, remoteOf, type SecureSide } from '../plane/plane-client.ts';
import { bounds, Budget } from './bounds.ts';
import { ConnectionError, defaultWindow, errorCode, flag, frame, maxUint31, preface, setting } from './codes.ts';
import { FrameReader } from './frame-reader.ts';
import {
  type FrameHead,
  goAwayFrame,
  headersFrames,
  pingFrame,
  resetFrame,
  settingsAck,
  settingsFrame,
  windowUpdateFrame,
} from './frames.ts';
import { type HeaderBlock, HeaderBlocks } from './header-block.ts';
import { HpackDecoder } from './hpack-decoder.ts';
import { Outbox } from './outbox.ts';
import { requireLength, unpadded } from './payload.ts';
import { PeerSettings } from './peer-settings.ts';
import { RequestReader } from './request-reader.ts';
import { H2Stream, type StreamGround } from './stream.ts';

const state = { preface: 0, settings: 1, open: 2, closing: 3 } as const;
const drainPing = 'draining';
const never = Number.POSITIVE_INFINITY;

/**
 * One client's connection of HTTP/2 (RFC 9113).
 *
 *   preface --> settings --first SETTINGS--> open --error, idle, drained: GOAWAY--> closing (our side has ended) --> gone
 *
 * While the worker drains: GOAWAY for all streams and a PING; when that is answered, GOAWAY with the last stream that counts (6.8).
 */
export class H2Connection implements PlaneClient, StreamGround {
  readonly scheme = 'https';
  readonly remote: string;
  readonly remoteHash: number;
  readonly #client: ClientGround;
  readonly #ground: Ground;
  readonly #socket: Socket;
  readonly #secure: SecureSide;
  readonly #reader = new FrameReader();
  readonly #blocks = new HeaderBlocks();
  readonly #decoder = new HpackDecoder();
  readonly #settings = new PeerSettings();
  readonly #outbox: Outbox;
  readonly #streams = new Map<number, H2Stream>();
  /** Streams that ended lately, the oldest first: whether by a reset of ours, after which frames of theirs may still come. */
  readonly #ended = new Map<number, { readonly ours: boolean }>();
  readonly #touched = new Set<H2Stream>();
  readonly #resets: Budget;
  readonly #control: Budget;
  #state: number = state.preface;
  #begun: Buffer = Buffer.alloc(0);
  #lastStream = 0;
  /** Streams above it are not taken: GOAWAY has said so. */
  #lastTaken = maxUint31;
  #window = bounds.connectionWindow;
  #owed = 0;
  #dataFrames = 0;
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
    this.#resets = new Budget(bounds.resets, this.now);
    this.#control = new Budget(bounds.control, this.now);
    this.#outbox = new Outbox(socket, (step) => {
      const guarded = this.#ground.guard(socket, step);
      return () => guarded(undefined);
    });
    this.#listen();
    this.#greet();
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

  credit(stream: H2Stream, bytes: number): void {
    this.#owed += bytes;
    if (this.#owed >= bounds.connectionWindow / 4) {
      this.#outbox.frames(windowUpdateFrame(0, this.#owed));
      this.#window += this.#owed;
      this.#owed = 0;
    }
    if (stream.remoteEnded) return;
    stream.unacknowledged += bytes;
    if (stream.unacknowledged < bounds.streamWindow / 2) return;
    this.#outbox.frames(windowUpdateFrame(stream.id, stream.unacknowledged));
    stream.window += stream.unacknowledged;
    stream.unacknowledged = 0;
  }

  // What the plane asks.

  sweep(now: number): void {
    for (const stream of this.#streams.values()) stream.sweep(now);
    this.#blockedSince = this.#outbox.full ? Math.min(this.#blockedSince, now) : never;
    if (this.#outbox.overflowing || now - this.#blockedSince >= this.bodyTimeout) this.destroy();
    else if (now >= this.#deadline) {
      if (this.#state === state.closing) this.destroy();
      else this.#leave(errorCode.settingsTimeout);
    } else if (this.#state === state.open && this.#streams.size === 0) this.#endUnused(now);
  }

  endIdle(idle: number): void {
    if (this.#state === state.closing) return;
    if (this.#drainingSince === never) {
      this.#drainingSince = this.now;
      this.#outbox.frames(goAwayFrame(maxUint31, errorCode.none) + pingFrame(drainPing, false));
    } else if (this.now - this.#drainingSince >= idle) this.#takeNoMore();
  }

  destroy(): void {
    this.#socket.destroy();
  }

  // Reading.

  #listen(): void {
    const socket = this.#socket;
    const guarded = <T>(step: (argument: T) => void): ((argument: T) => void) => this.#ground.guard(socket, step);
    socket.on('data', guarded((chunk: Buffer) => this.#data(chunk)));
    socket.on('drain', guarded(() => this.#outbox.drained()));
    // Half of a connection is of no use to either side.
    socket.on('end', () => socket.destroySoon());
    socket.on('error', () => undefined);
    socket.on('close', () => {
      this.#client.closed(this);
      guarded(() => this.#abandon())(undefined);
    });
  }

  #greet(): void {
    const limits = this.#ground.limits;
    const settings = settingsFrame([
      [setting.enablePush, 0],
      [setting.maxConcurrentStreams, bounds.streams],
      [setting.initialWindowSize, bounds.streamWindow],
      [setting.maxHeaderListSize, limits.headSize],
    ]);
    this.#outbox.frames(settings + windowUpdateFrame(0, bounds.connectionWindow - defaultWindow));
  }

  #data(chunk: Buffer): void {
    if (this.#state === state.closing) return;
    this.#ground.clock.now = performance.now();
    try {
      const rest = this.#state === state.preface ? this.#readPreface(chunk) : chunk;
      if (rest !== null) this.#reader.feed(rest, (head, payload) => this.#frame(head, payload));
    } catch (error) {
      if (!(error instanceof ConnectionError)) throw error;
      this.#leave(error.code);
    }
    for (const stream of this.#touched) stream.readPaused();
    this.#touched.clear();
    if (this.#state !== state.open) return;
    const waits = this.#blocks.partial || this.#reader.partial;
    if (!waits) this.#deadline = never;
    else if (this.#deadline === never) this.#deadline = this.now + this.#ground.limits.headTimeout;
  }

  /** What follows the preface (RFC 9113 3.4); `null`: it is not whole. */
  #readPreface(chunk: Buffer): Buffer | null {
    const bytes = this.#begun.length === 0 ? chunk : Buffer.concat([this.#begun, chunk]);
    const length = Math.min(bytes.length, preface.length);
    if (bytes.compare(preface, 0, length, 0, length) !== 0)
      throw new ConnectionError(errorCode.protocol, 'no preface of HTTP/2');
    this.#begun = bytes;
    if (length < preface.length) return null;
    this.#begun = Buffer.alloc(0);
    this.#state = state.settings;
    return bytes.subarray(length);
  }

  /** `false`: nothing more is read. */
  #frame(head: FrameHead, payload: Buffer): boolean {
    if (this.#state === state.settings) {
      if (head.type !== frame.settings || (head.flags & flag.ack) !== 0)
        throw new ConnectionError(errorCode.protocol, 'no SETTINGS after the preface');
      this.#state = state.open;
      this.#deadline = never;
    }
    if (this.#blocks.partial && head.type !== frame.continuation)
      throw new ConnectionError(errorCode.protocol, 'a frame within a header block');
    this.#dispatch(head, payload);
    return this.#state !== state.closing;
  }

  #dispatch(head: FrameHead, payload: Buffer): void {
    switch (head.type) {
      case frame.data:
        this.#dataFrame(head, payload);
        break;
      case frame.headers:
        this.#block(this.#blocks.headers(head, payload));
        break;
      case frame.continuation:
        this.#block(this.#blocks.continuation(head, payload));
        break;
      case frame.reset:
        this.#resetFrame(head, payload);
        break;
      case frame.settings:
        this.#settingsFrame(head, payload);
        break;
      case frame.ping:
        this.#pingFrame(head, payload);
        break;
      case frame.windowUpdate:
        this.#windowUpdate(head, payload);
        break;
      case frame.priority:
        this.#priority(head, payload);
        break;
      case frame.goAway:
        this.#goAway(head, payload);
        break;
      case frame.pushPromise:
        throw new ConnectionError(errorCode.protocol, 'PUSH_PROMISE from a client');
      default:
        // Unknown types are ignored (RFC 9113 5.5).
        this.#nuisance();
    }
  }

  #dataFrame(head: FrameHead, payload: Buffer): void {
    if (head.stream === 0) throw new ConnectionError(errorCode.protocol, 'DATA on the connection');
    const piece = unpadded(head, payload);
    const last = (head.flags & flag.endStream) !== 0;
    if (piece.length === 0 && !last) this.#nuisance();
    this.#window -= payload.length;
    if (this.#window < 0) throw new ConnectionError(errorCode.flowControl, 'more than the window of the connection');
    const stream = this.#streams.get(head.stream);
    if (stream === undefined || stream.remoteEnded) {
      this.#dataAfterEnd(head.stream, { cost: payload.length, stream });
      return;
    }
    stream.window -= payload.length;
    if (stream.window < 0) this.#fail(stream, errorCode.flowControl);
    else if (!stream.data(piece, { cost: payload.length, last })) this.#fail(stream, errorCode.protocol);
    else if (!last) this.#touched.add(stream);
  }

  /** RFC 9113 5.1: an idle stream, one that ended by itself, or one that we have reset a moment ago. */
  #dataAfterEnd(id: number, { cost, stream }: { readonly cost: number; readonly stream: H2Stream | undefined }): void {
    this.#requireUsed(id);
    this.#owed += cost;
    if (stream !== undefined) this.#fail(stream, errorCode.streamClosed);
    else if (this.#ended.get(id)?.ours !== true) {
      this.#spendReset();
      this.#outbox.frames(resetFrame(id, errorCode.streamClosed));
      this.#remember(id, true);
    } else this.#nuisance();
  }

  #block(block: HeaderBlock | null): void {
    if (block === null) return;
    const id = block.stream;
    const known = this.#streams.get(id);
    const ended = this.#ended.get(id);
    if (known === undefined && id <= this.#lastStream && ended?.ours !== true)
      throw new ConnectionError(
        ended === undefined ? errorCode.protocol : errorCode.streamClosed,
        'HEADERS on a stream that has ended',
      );
    if (id % 2 === 0) throw new ConnectionError(errorCode.protocol, 'an even stream from a client');
    const reader = new RequestReader(this.#ground.limits);
    this.#decoder.decode(block.bytes, (name, value) => reader.field(name, value));
    if (known !== undefined) this.#trailers(known, { reader, last: block.last });
    else if (id <= this.#lastStream) this.#nuisance();
    else this.#open(id, { reader, last: block.last });
  }

  #trailers(stream: H2Stream, { reader, last }: { readonly reader: RequestReader; readonly last: boolean }): void {
    if (stream.remoteEnded) this.#fail(stream, errorCode.streamClosed);
    else if (!last || !reader.soundTrailers || !stream.trailers()) this.#fail(stream, errorCode.protocol);
  }

  #open(id: number, { reader, last }: { readonly reader: RequestReader; readonly last: boolean }): void {
    this.#lastStream = id;
    if (id > this.#lastTaken || this.#streams.size >= bounds.streams) {
      this.#refuse(id, errorCode.refusedStream);
      return;
    }
    const head = reader.head(last, this.#ground.fields);
    if (head === 'malformed') {
      this.#refuse(id, errorCode.protocol);
      return;
    }
    const stream = new H2Stream(this, id, this.#settings.initialWindow);
    this.#streams.set(id, stream);
    stream.remoteEnded = last;
    const ground = { ground: this.#ground, router: this.#client.router, client: stream };
    if (head instanceof Refusal) {
      const nothing = new RequestHead();
      nothing.http2 = true;
      stream.refuse(new Exchange(ground, nothing, ''), head.status);
      return;
    }
    stream.begin(new Exchange(ground, head, routedHost(head.host)), head);
    if (!last) this.#touched.add(stream);
  }

  #resetFrame({ stream: id }: FrameHead, payload: Buffer): void {
    requireLength(payload, 4);
    this.#requireUsed(id);
    const stream = this.#streams.get(id);
    this.#spendReset();
    if (stream === undefined) return;
    this.#forget(stream, false);
    stream.gone();
  }

  #settingsFrame({ stream, flags }: FrameHead, payload: Buffer): void {
    if (stream !== 0) throw new ConnectionError(errorCode.protocol, 'SETTINGS on a stream');
    this.#nuisance();
    if ((flags & flag.ack) !== 0) {
      requireLength(payload, 0);
      return;
    }
    const growth = this.#settings.apply(payload);
    this.#outbox.frames(settingsAck);
    if (growth === 0) return;
    for (const each of this.#streams.values()) {
      each.sending.window += growth;
      if (each.sending.window > maxUint31) throw new ConnectionError(errorCode.flowControl, 'a window beyond its end');
      if (growth > 0) this.#outbox.widened(each);
    }
  }

  #pingFrame({ stream, flags }: FrameHead, payload: Buffer): void {
    if (stream !== 0) throw new ConnectionError(errorCode.protocol, 'PING on a stream');
    requireLength(payload, 8);
    this.#nuisance();
    const text = payload.toString('latin1');
    if ((flags & flag.ack) === 0) this.#outbox.frames(pingFrame(text, true));
    else if (text === drainPing && this.#drainingSince !== never) this.#takeNoMore();
  }

  #windowUpdate({ stream: id }: FrameHead, payload: Buffer): void {
    requireLength(payload, 4);
    this.#requireUsed(id);
    if (this.#outbox.dataFrames > this.#dataFrames) this.#dataFrames += 1;
    else this.#nuisance();
    const increment = payload.readUInt32BE(0) & maxUint31;
    const stream = this.#streams.get(id);
    if (id === 0) {
      if (increment === 0) throw new ConnectionError(errorCode.protocol, 'a window update of 0');
      if (!this.#outbox.widen(increment)) throw new ConnectionError(errorCode.flowControl, 'a window beyond its end');
      return;
    }
    if (stream === undefined) return;
    stream.sending.window += increment;
    if (increment === 0) this.#fail(stream, errorCode.protocol);
    else if (stream.sending.window > maxUint31) this.#fail(stream, errorCode.flowControl);
    else this.#outbox.widened(stream);
  }

  /** Deprecated (RFC 9113 5.3.2): looked at for its form only. */
  #priority({ stream: id }: FrameHead, payload: Buffer): void {
    if (id === 0) throw new ConnectionError(errorCode.protocol, 'PRIORITY on the connection');
    this.#nuisance();
    if (payload.length === 5) return;
    const stream = this.#streams.get(id);
    if (stream === undefined) throw new ConnectionError(errorCode.frameSize, 'PRIORITY of a wrong length');
    this.#fail(stream, errorCode.frameSize);
  }

  /** The client opens no more streams; those that are open are answered. */
  #goAway({ stream }: FrameHead, payload: Buffer): void {
    if (stream !== 0) throw new ConnectionError(errorCode.protocol, 'GOAWAY on a stream');
    if (payload.length < 8) throw new ConnectionError(errorCode.frameSize, 'GOAWAY of a wrong length');
    this.#nuisance();
    this.#takeNoMore();
  }

  // Ends.

  #fail(stream: H2Stream, code: number): void {
    this.#spendReset();
    this.reset(stream, code);
    stream.gone();
  }

  #refuse(id: number, code: number): void {
    this.#spendReset();
    this.#outbox.frames(resetFrame(id, code));
    this.#remember(id, true);
  }

  #requireUsed(id: number): void {
    if (id > this.#lastStream) throw new ConnectionError(errorCode.protocol, 'a frame on an idle stream');
  }

  #nuisance(): void {
    if (!this.#control.spend(this.now)) throw new ConnectionError(errorCode.enhanceYourCalm, 'too many control frames');
  }

  #spendReset(): void {
    if (!this.#resets.spend(this.now)) throw new ConnectionError(errorCode.enhanceYourCalm, 'too many resets');
  }

  #forget(stream: H2Stream, ours: boolean): void {
    this.#streams.delete(stream.id);
    this.#outbox.drop(stream);
    this.#touched.delete(stream);
    this.#remember(stream.id, ours);
    if (this.#streams.size > 0) return;
    this.#idleSince = this.now;
    if (this.#lastTaken < maxUint31) this.#leave(errorCode.none);
  }

  #remember(id: number, ours: boolean): void {
    this.#ended.set(id, { ours });
    if (this.#ended.size <= bounds.remembered) return;
    const [oldest] = this.#ended.keys();
    if (oldest !== undefined) this.#ended.delete(oldest);
  }

  #takeNoMore(): void {
    if (this.#lastTaken < maxUint31) return;
    this.#lastTaken = this.#lastStream;
    this.#outbox.frames(goAwayFrame(this.#lastStream, errorCode.none));
    if (this.#streams.size === 0) this.#leave(errorCode.none);
  }

  #endUnused(now: number): void {
    if (now - this.#idleSince >= this.#ground.limits.keepAliveTimeout) this.#leave(errorCode.none);
  }

  /** Says goodbye; what is under way ends, for nothing on the connection can be relied on. */
  #leave(code: number): void {
    if (this.#state === state.closing) return;
    this.#state = state.closing;
    this.#deadline = this.now + this.#ground.limits.lingerTimeout;
    if (code !== errorCode.none || this.#lastTaken === maxUint31)
      this.#outbox.frames(goAwayFrame(this.#lastStream, code));
    this.#abandon();
    this.#outbox.flush();
    this.#socket.end();
  }

  #abandon(): void {
    this.#state = state.closing;
    for (const stream of this.#streams.values()) stream.gone();
    this.#streams.clear();
    this.#touched.clear();
  }
}
