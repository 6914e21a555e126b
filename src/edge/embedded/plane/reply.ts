import { http } from '../../../lib/http.ts';
import type { RequestHead } from '../http/request-head.ts';
import type { ResponseHead } from '../http/response-head.ts';
import type { Client } from './client-port.ts';
import type { Ground } from './ground.ts';
import type { Held } from './holds.ts';

/** Up to this size bytes are joined to one text, which Node writes without a buffer of its own; above it they are copied once. */
const joinSize = 8 * 1024;

export interface ReplyOwner {
  readonly client: Client;
  readonly request: RequestHead;
  /** Whether the connection may serve another request; asked once, when the head is written. */
  mayKeep(): boolean;
}

/**
 * The answer to one request as the client gets it: framing is decided here, whatever the upstream's was. Nothing is written before
 * the first read has been passed on (`readEnded`) or the answer has ended, so a small answer is one write; one that may be asked for
 * elsewhere is held longer, until it is whole.
 *
 *   none --start--> gathering --release--> streaming --end--> ended
 *     ^--reset---------|  `-----------------end-------------^
 */
export class Reply implements Held {
  readonly #ground: Ground;
  readonly #owner: ReplyOwner;
  #head: ResponseHead | null = null;
  #gathered = '';
  #gathering = false;
  #chunked = false;
  /** Whether the connection stays open, as the written head says. */
  keep = false;
  /** Bytes of it are with the client: it cannot be taken back. */
  sent = false;
  status = 0;
  bytesOut = 0;

  constructor(ground: Ground, owner: ReplyOwner) {
    this.#ground = ground;
    this.#owner = owner;
  }

  /** A head has come, sent or not. */
  get started(): boolean {
    return this.#head !== null;
  }

  /** The connection is a tunnel now: there is no answer to frame. */
  switched(): void {
    this.sent = true;
    this.status = 101;
  }

  start(head: ResponseHead): void {
    this.#head = head;
    this.#gathering = true;
  }

  /** Takes back what was not sent, for another try. */
  reset(): void {
    this.#ground.holds.remove(this);
    this.#head = null;
    this.#gathering = false;
    this.#gathered = '';
  }

  /** `false`: hold back until the client takes more. The bytes may be used again when this returns. */
  payload(bytes: Buffer, start: number, end: number): boolean {
    if (!this.#gathering) return this.#stream(bytes, start, end);
    if (this.#gathered.length + end - start <= this.#ground.limits.holdSize) {
      this.#gathered += bytes.toString('latin1', start, end);
      return true;
    }
    this.release();
    return this.#stream(bytes, start, end);
  }

  /** One read has been passed on. `hold`: the request may be made elsewhere, should this answer break. */
  readEnded(hold: boolean): boolean {
    if (!this.#gathering) return this.#sendGathered();
    const length = this.#head?.contentLength ?? -1;
    if (!hold || length === -1 || length > this.#ground.limits.holdSize) return this.release();
    this.#ground.holds.add(this);
    return true;
  }

  /** Sends the head and what has been gathered. */
  release(): boolean {
    const head = this.#head;
    if (!this.#gathering || head === null) return true;
    this.#ground.holds.remove(this);
    this.#gathering = false;
    const body = this.#gathered;
    this.#gathered = this.#headText(head, -1);
    this.bytesOut = body.length;
    if (body.length > 0) this.#gathered += this.#chunked ? framed(body) : body;
    return this.#sendGathered();
  }

  /** The whole answer has come. */
  end(): void {
    const head = this.#head;
    if (this.#gathering && head !== null) {
      this.#ground.holds.remove(this);
      this.#gathering = false;
      this.bytesOut = this.#gathered.length;
      this.#gathered = this.#headText(head, this.bytesOut) + this.#gathered;
    } else if (this.#chunked) this.#gathered += '0\r\n\r\n';
    this.#sendGathered();
  }

  #stream(bytes: Buffer, start: number, end: number): boolean {
    const length = end - start;
    this.bytesOut += length;
    if (length <= joinSize) {
      const text = bytes.toString('latin1', start, end);
      this.#gathered += this.#chunked ? framed(text) : text;
      return this.#gathered.length <= joinSize || this.#sendGathered();
    }
    this.#sendGathered();
    const size = this.#chunked ? `${length.toString(16)}\r\n` : '';
    const copy = Buffer.allocUnsafe(size.length + length + (this.#chunked ? 2 : 0));
    copy.write(size, 'latin1');
    bytes.copy(copy, size.length, start, end);
    if (this.#chunked) copy.write('\r\n', size.length + length, 'latin1');
    return this.#owner.client.write(copy);
  }

  #sendGathered(): boolean {
    const text = this.#gathered;
    if (text === '') return true;
    this.#gathered = '';
    this.sent = true;
    return this.#owner.client.write(text);
  }

  /** `whole`: the length of the body where all of it is at hand, -1 where more follows (RFC 9112 6.3, from the sender's side). */
  #headText(head: ResponseHead, whole: number): string {
    const { request } = this.#owner;
    this.status = head.status;
    this.keep = this.#owner.mayKeep();
    let framing = '';
    const length = head.contentLength === -1 ? whole : head.contentLength;
    if (head.status === 204) framing = '';
    else if (request.method === 'HEAD' || head.status === 304) {
      if (head.contentLength !== -1) framing = `Content-Length: ${head.contentLength}\r\n`;
    } else if (length !== -1) framing = `Content-Length: ${length}\r\n`;
    else if (request.minor === 1) {
      this.#chunked = true;
      framing = 'Transfer-Encoding: chunked\r\n';
    } else this.keep = false;
    const connection = this.keep ? (request.minor === 1 ? '' : 'Connection: keep-alive\r\n') : 'Connection: close\r\n';
    const date = head.dated ? '' : this.#ground.dateLine;
    return `HTTP/1.1 ${head.status} ${head.reason}\r\n${head.fields}${date}${framing}${connection}\r\n`;
  }
}

function framed(text: string): string {
  return `${text.length.toString(16)}\r\n${text}\r\n`;
}

/** The usual phrase of a status. */
export function reasonOf(status: number): string {
  return http.STATUS_CODES[status] ?? '';
}
