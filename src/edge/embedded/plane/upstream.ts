import { connect, type OnReadOpts, type Socket } from 'node:net';
import { ChunkedDecoder, type PayloadSink } from '../http/chunked.ts';
import { HeadScanner, NEEDS_MORE } from '../http/head-scanner.ts';
import { Refusal } from '../http/refusal.ts';
import { parseResponseHead, type ResponseHead } from '../http/response-head.ts';
import type { Ground } from './ground.ts';
import type { TlsTarget } from './upstream-tls.ts';

/** `connect`: no connection came about, so nothing was sent; `untaken`: nor was it refused, in its time. */
export type UpstreamFailure = 'connect' | 'untaken' | 'closed' | 'malformed' | 'timeout';

/** Who takes what arrives. Bytes are views of a shared buffer: valid during the call only. */
export interface UpstreamUser extends PayloadSink {
  connected(): void;
  /** 102, 103 and such; 100 is swallowed. */
  interim(head: ResponseHead): void;
  /** 101: from now on, bytes go to `tunnelled`. */
  switched(head: ResponseHead): void;
  responseHead(head: ResponseHead): void;
  /** What one read brought has been passed on; more of the response follows. */
  readEnded(): void;
  /** The response has ended. The connection is not the user's any more when this returns. */
  complete(reusable: boolean): void;
  /** The connection is gone. */
  failed(failure: UpstreamFailure): void;
  /** An exception on the way to the user. Must not throw. */
  faulted(): void;
  /** What was written has left the process, after a `write` that said `false`. */
  writable(): void;
  tunnelled(bytes: Buffer, start: number, end: number): void;
  tunnelEnded(): void;
}

/** Where a connection leads, and who counts it. */
export interface ConnectionOwner {
  readonly host: string;
  readonly port: number;
  /** Bytes have come. */
  heard(): void;
  closed(connection: UpstreamConnection): void;
}

const reading = { head: 0, length: 1, chunked: 2, untilClose: 3, tunnel: 4 } as const;
const maxInterimHeads = 16;

/** One connection to an endpoint, used by one exchange after the other. Created connecting. */
export class UpstreamConnection {
  readonly #owner: ConnectionOwner;
  readonly #ground: Ground;
  readonly #socket: Socket;
  readonly #scanner: HeadScanner;
  #user: UpstreamUser | null = null;
  #state: number = reading.head;
  #decoder: ChunkedDecoder | null = null;
  #remaining = 0;
  #keepAlive = true;
  #interimHeads = 0;
  #headRequest = false;
  #ended = false;
  ready = false;
  /** An exchange before the present one was answered on this connection. */
  reused = false;
  /** Bytes of a response to the present user have come. */
  answered = false;
  idleSince = 0;
  /** Of whom it was made with; `null`: plain. */
  readonly key: string | null;

  constructor(ground: Ground, owner: ConnectionOwner, tls: TlsTarget | null) {
    this.#ground = ground;
    this.#owner = owner;
    this.key = tls === null ? null : tls.key;
    this.#scanner = new HeadScanner(ground.upstreamHeadLimits);
    const onread: OnReadOpts = {
      buffer: ground.readBuffer,
      callback: (length, bytes) => {
        this.#guarded(() => this.#read(length, bytes as Buffer));
        return true;
      },
    };
    const { host, port } = owner;
    this.#socket =
      tls === null ? connect({ host, port, noDelay: true, onread }) : ground.tls.connect({ host, port }, tls, onread);
    this.#listen(tls === null ? 'connect' : 'secureConnect');
  }

  /** Takes the connection for an exchange: a response will follow. `headRequest`: its response has no body whatever it says. */
  begin(user: UpstreamUser, headRequest: boolean): void {
    this.#user = user;
    this.#headRequest = headRequest;
    this.#state = reading.head;
    this.#interimHeads = 0;
    this.answered = false;
  }

  /** `false`: hold back until `writable`. */
  write(data: string | Buffer): boolean {
    return typeof data === 'string' ? this.#socket.write(data, 'latin1') : this.#socket.write(data);
  }

  /** Head and body in one system call where the body is not copied. */
  writeBoth(head: string, body: readonly Buffer[]): boolean {
    this.#socket.cork();
    let room = this.#socket.write(head, 'latin1');
    for (const part of body) room = this.#socket.write(part);
    this.#socket.uncork();
    return room;
  }

  /** Ends our side of a tunnel. */
  end(): void {
    this.#socket.end();
  }

  pause(): void {
    this.#socket.pause();
  }

  resume(): void {
    this.#socket.resume();
  }

  /** Gone without a word to its user. */
  destroy(): void {
    this.#user = null;
    this.#socket.destroy();
  }

  /** Ends the connection and tells its user why. */
  fail(failure: UpstreamFailure): void {
    const user = this.#user;
    this.destroy();
    user?.failed(failure);
  }

  #listen(ready: 'connect' | 'secureConnect'): void {
    const socket = this.#socket;
    socket.on(ready, () => {
      this.ready = true;
      this.#guarded(() => this.#user?.connected());
    });
    socket.on('drain', () => this.#guarded(() => this.#user?.writable()));
    socket.on('end', () => this.#guarded(() => this.#inputEnded()));
    // `close` follows and tells the user; without a listener an error would end the process.
    socket.on('error', () => undefined);
    socket.on('close', () => {
      this.#owner.closed(this);
      this.#guarded(() => this.fail(this.ready ? 'closed' : 'connect'));
    });
  }

  /** A fault met by one request is not to end all others. */
  #guarded(step: () => void): void {
    const user = this.#user;
    try {
      step();
    } catch (error) {
      this.#ground.fault(error);
      this.destroy();
      user?.faulted();
    }
  }

  #inputEnded(): void {
    this.#ended = true;
    if (this.#state === reading.tunnel) this.#user?.tunnelEnded();
    else if (this.#state === reading.untilClose) this.#complete(false);
    else this.fail('closed');
  }

  #read(length: number, bytes: Buffer): void {
    const user = this.#user;
    // An answer that nobody asked for would be taken for the next request's.
    if (user === null) {
      this.#socket.destroy();
      return;
    }
    this.answered = true;
    this.#owner.heard();
    if (this.#state === reading.tunnel) {
      user.tunnelled(bytes, 0, length);
      return;
    }
    let at = 0;
    while (this.#state === reading.head && this.#user === user) {
      at = this.#readHead(bytes, at, length);
      if (at === NEEDS_MORE) return;
      if (at === length) break;
    }
    if (this.#user === user) this.#readBody(user, bytes.subarray(at, length));
  }

  /** The position after a head, or `NEEDS_MORE`: also when the connection has failed or the response is complete. */
  #readHead(bytes: Buffer, from: number, to: number): number {
    const end = this.#scanner.feed(bytes, from, to);
    if (end === NEEDS_MORE) return NEEDS_MORE;
    const head = typeof end === 'number' ? parseResponseHead(this.#scanner, this.#ground.fields) : end;
    this.#scanner.reset();
    if (typeof end !== 'number' || head instanceof Refusal) {
      this.fail('malformed');
      return NEEDS_MORE;
    }
    if (head.status < 200) return this.#interim(head, end);
    this.#frame(head);
    const user = this.#user;
    user?.responseHead(head);
    if (this.#user !== user) return NEEDS_MORE;
    if (this.#state === reading.length && this.#remaining === 0) {
      this.#complete(end === to);
      return NEEDS_MORE;
    }
    if (end === to) user?.readEnded();
    return end;
  }

  #interim(head: ResponseHead, end: number): number {
    this.#interimHeads += 1;
    if (this.#interimHeads > maxInterimHeads) {
      this.fail('malformed');
      return NEEDS_MORE;
    }
    if (head.status === 101) {
      this.#state = reading.tunnel;
      this.#user?.switched(head);
    } else if (head.status !== 100) this.#user?.interim(head);
    return end;
  }

  /** RFC 9112 6.3. */
  #frame(head: ResponseHead): void {
    this.#keepAlive = head.keepAlive;
    this.#remaining = 0;
    this.#state = reading.length;
    if (this.#headRequest || head.status === 204 || head.status === 304) return;
    if (head.chunked) {
      this.#state = reading.chunked;
      this.#decoder = new ChunkedDecoder();
    } else if (head.contentLength !== -1) this.#remaining = head.contentLength;
    else this.#state = reading.untilClose;
  }

  #readBody(user: UpstreamUser, bytes: Buffer): void {
    if (bytes.length === 0) return;
    switch (this.#state) {
      case reading.length: {
        const end = Math.min(bytes.length, this.#remaining);
        this.#remaining -= end;
        user.payload(bytes, 0, end);
        if (this.#remaining === 0 && this.#user === user) this.#complete(end === bytes.length);
        break;
      }
      case reading.chunked: {
        const decoder = this.#decoder as ChunkedDecoder;
        const end = decoder.feed(bytes, 0, user);
        if (this.#user !== user) return;
        if (typeof end !== 'number') this.fail('malformed');
        else if (decoder.done) this.#complete(end === bytes.length);
        break;
      }
      case reading.untilClose:
        user.payload(bytes, 0, bytes.length);
        break;
      case reading.tunnel:
        user.tunnelled(bytes, 0, bytes.length);
        break;
    }
    if (this.#user === user && this.#state !== reading.tunnel) user.readEnded();
  }

  #complete(clean: boolean): void {
    const user = this.#user;
    this.#user = null;
    this.#decoder = null;
    const reusable = clean && this.#keepAlive && !this.#ended && this.#state !== reading.untilClose;
    this.reused = true;
    user?.complete(reusable);
  }
}
