import { http } from '../../../lib/http.ts';
import type { ResponseHead } from '../http/response-head.ts';
import type { AnswerSink, Asked, Client } from './client-port.ts';
import type { Ground } from './ground.ts';
import type { Held } from './holds.ts';

/** Up to this size bytes are joined to one text, which Node writes without a buffer of its own; above it they are copied once. */
const joinSize = 8 * 1024;

export interface ReplyOwner extends Asked {
  readonly client: Client;
}

/**
 * The answer to one request on its way to the client, in whose protocol it is framed (`AnswerSink`). Nothing is written before
 * the first read has been passed on (`readEnded`) or the answer has ended, so a small answer is one write; one that may be asked for
 * elsewhere is held longer, until it is whole.
 *
 *   none --start--> gathering --release--> streaming --end--> ended
 *     ^--reset---------|  `-----------------end-------------^
 */
export class Reply implements Held {
  readonly #ground: Ground;
  readonly #sink: AnswerSink;
  #head: ResponseHead | null = null;
  #gathered = '';
  #gathering = false;
  /** Bytes of it are with the client: it cannot be taken back. */
  sent = false;
  status = 0;
  bytesOut = 0;

  constructor(ground: Ground, owner: ReplyOwner) {
    this.#ground = ground;
    this.#sink = owner.client.answerTo(owner);
  }

  /** Whether the connection stays open, as the written head says. */
  get keep(): boolean {
    return this.#sink.keep;
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
    this.#gathered = '';
    this.bytesOut = body.length;
    this.#sendHead(head, -1);
    return this.#sink.text(body);
  }

  /** The whole answer has come. */
  end(): void {
    const head = this.#head;
    if (this.#gathering && head !== null) {
      this.#ground.holds.remove(this);
      this.#gathering = false;
      this.bytesOut = this.#gathered.length;
      this.#sendHead(head, this.bytesOut);
    }
    const body = this.#gathered;
    this.#gathered = '';
    this.#sink.end(body);
  }

  #stream(bytes: Buffer, start: number, end: number): boolean {
    const length = end - start;
    this.bytesOut += length;
    if (length <= joinSize) {
      this.#gathered += bytes.toString('latin1', start, end);
      return this.#gathered.length <= joinSize || this.#sendGathered();
    }
    this.#sendGathered();
    this.sent = true;
    return this.#sink.bytes(bytes, start, end);
  }

  #sendGathered(): boolean {
    const text = this.#gathered;
    if (text === '') return true;
    this.#gathered = '';
    this.sent = true;
    return this.#sink.text(text);
  }

  #sendHead(head: ResponseHead, whole: number): void {
    this.status = head.status;
    this.sent = true;
    this.#sink.head(head, head.contentLength === -1 ? whole : head.contentLength);
  }
}

/** The usual phrase of a status. */
export function reasonOf(status: number): string {
  return http.STATUS_CODES[status] ?? '';
}
