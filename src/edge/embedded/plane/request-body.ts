import type { RequestHead } from '../http/request-head.ts';
import type { UpstreamConnection } from './upstream.ts';

/** Up to this size a body goes out in the text of the head: one write, no buffer. */
const joinSize = 8 * 1024;
const maxPieces = 64;

/**
 * The body of one request on its way to an endpoint. Until a connection is attached its pieces are kept; afterwards they pass through,
 * and are kept too as long as they are few enough to be sent again.
 */
export class RequestBody {
  readonly #replaySize: number;
  readonly #length: number;
  readonly #chunked: boolean;
  readonly #pieces: Buffer[] = [];
  #connection: UpstreamConnection | null = null;
  /** Framing towards the attached connection. */
  #framed = false;
  #lost = false;
  size = 0;
  done: boolean;

  constructor(request: RequestHead, replaySize: number) {
    this.#length = request.contentLength;
    this.#chunked = request.chunked;
    this.#replaySize = replaySize;
    this.done = !request.chunked && request.contentLength <= 0;
  }

  /** Whether all that has come is still here, so that another endpoint could be sent the same from the start. */
  get replayable(): boolean {
    return !this.#lost;
  }

  /** Waiting for all of it before choosing an endpoint costs little and lets the request be repeated; also a slow client then keeps no connection. */
  get gathers(): boolean {
    return !this.#chunked && this.#length <= this.#replaySize;
  }

  /** `piece` is owned by the body from now on. `false`: hold back. */
  add(piece: Buffer): boolean {
    this.size += piece.length;
    if (!this.#lost) {
      if (this.#connection === null || this.size <= this.#replaySize) this.#keep(piece);
      else {
        this.#lost = true;
        this.#pieces.length = 0;
      }
    }
    if (this.#connection === null) return this.size <= this.#replaySize;
    if (!this.#framed) return this.#connection.write(piece);
    return this.#connection.writeBoth(`${piece.length.toString(16)}\r\n`, [piece, crlf]);
  }

  end(): void {
    this.done = true;
    if (this.#framed) this.#connection?.write('0\r\n\r\n');
  }

  /** Sends `head` (which ends before the framing fields and the empty line) and what there is; the rest follows by itself. */
  attach(connection: UpstreamConnection, head: string): boolean {
    this.#connection = connection;
    // A chunked body that is here already goes out with its length.
    const length = this.done && this.#chunked ? this.size : this.#length;
    this.#framed = this.#chunked && !this.done;
    const framing = this.#framed
      ? 'Transfer-Encoding: chunked\r\n\r\n'
      : length === -1
        ? '\r\n'
        : `Content-Length: ${length}\r\n\r\n`;
    const pieces = this.#pieces;
    if (pieces.length === 0) return connection.write(head + framing);
    if (this.#framed)
      return connection.writeBoth(`${head}${framing}${this.size.toString(16)}\r\n`, this.#takePieces([crlf]));
    if (this.size > joinSize) return connection.writeBoth(head + framing, this.#takePieces([]));
    let text = head + framing;
    for (const piece of pieces) text += piece.toString('latin1');
    return connection.write(text);
  }

  /** The attempt is over. */
  detach(): void {
    this.#connection = null;
  }

  /** A body that comes byte by byte must not cost an object per byte. */
  #keep(piece: Buffer): void {
    if (this.#pieces.length >= maxPieces) this.#pieces.splice(0, this.#pieces.length, Buffer.concat(this.#pieces));
    this.#pieces.push(piece);
  }

  #takePieces(last: readonly Buffer[]): Buffer[] {
    const pieces = [...this.#pieces, ...last];
    if (this.size > this.#replaySize) {
      this.#lost = true;
      this.#pieces.length = 0;
    }
    return pieces;
  }
}

const crlf = Buffer.from('\r\n');
