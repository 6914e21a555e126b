import type { RequestHead } from '../http/request-head.ts';
import type { ResponseHead } from '../http/response-head.ts';
import type { Ground } from '../plane/ground.ts';
import type { Reply } from '../plane/reply.ts';
import { Encoder } from './encoder.ts';

/** What the sources of an answer know of the reply. */
export type Answering = Pick<
  Reply,
  'bytesOut' | 'end' | 'keep' | 'payload' | 'readEnded' | 'reset' | 'sent' | 'start' | 'started' | 'status' | 'switched'
>;

export interface ShapedReplyUser {
  readonly request: RequestHead;
  /** Changes the head; whether the body is to be coded. */
  shape(head: ResponseHead): boolean;
  /** The encoder takes more. */
  clientWritable(): void;
  /** The coded answer has gone out to its end. */
  encoded(): void;
  /** Coding failed: it cannot be completed. */
  unencodable(): void;
}

/**
 * The reply of a request under a policy: its head is changed before it goes out, and its body coded on its way.
 *
 *   plain --start, to be coded--> coding --end--> finishing (bytes are still in the encoder) --encoded--> over
 */
export class ShapedReply implements Answering {
  readonly #ground: Ground;
  readonly #inner: Reply;
  readonly #user: ShapedReplyUser;
  #encoder: Encoder | null = null;
  /** Of a body whose length the source does not tell: it may be a stream whose reader waits for every piece. */
  #flushed = false;
  /** The source has ended, the coded answer not yet. */
  finishing = false;

  constructor(ground: Ground, inner: Reply, user: ShapedReplyUser) {
    this.#ground = ground;
    this.#inner = inner;
    this.#user = user;
  }

  get keep(): boolean {
    return this.#inner.keep;
  }

  get sent(): boolean {
    return this.#inner.sent;
  }

  get started(): boolean {
    return this.#inner.started;
  }

  get status(): number {
    return this.#inner.status;
  }

  get bytesOut(): number {
    return this.#inner.bytesOut;
  }

  switched(): void {
    this.#inner.switched();
  }

  start(head: ResponseHead): void {
    const length = head.contentLength;
    this.#flushed = length === -1;
    const coded = this.#user.shape(head);
    this.#inner.start(head);
    if (coded && this.#user.request.method !== 'HEAD') this.#encoder = this.#encode(length);
  }

  reset(): void {
    this.#encoder?.destroy();
    this.#encoder = null;
    this.finishing = false;
    this.#inner.reset();
  }

  payload(bytes: Buffer, start: number, end: number): boolean {
    if (this.#encoder === null) return this.#inner.payload(bytes, start, end);
    return this.#encoder.write(Buffer.from(bytes.subarray(start, end)));
  }

  readEnded(hold: boolean): boolean {
    if (this.#encoder === null) return this.#inner.readEnded(hold);
    if (this.#flushed) this.#encoder.flush();
    return this.#inner.readEnded(false);
  }

  end(): void {
    if (this.#encoder === null) {
      this.#inner.end();
      return;
    }
    this.finishing = true;
    this.#encoder.end();
  }

  /** The client takes more. */
  resume(): void {
    this.#encoder?.resume();
  }

  #encode(length: number): Encoder {
    const guarded = (step: () => void): (() => void) => {
      const guard = this.#ground.guard({ destroy: () => this.#user.unencodable() }, step);
      return () => guard(undefined);
    };
    const user = {
      coded: (bytes: Buffer) => this.#coded(bytes),
      drained: guarded(() => this.#user.clientWritable()),
      ended: guarded(() => this.#ended()),
      failed: guarded(() => this.#user.unencodable()),
    };
    return new Encoder(user, length);
  }

  /** After the source's end pieces wait for each other, so that a small answer is one write with its length. */
  #coded(bytes: Buffer): boolean {
    const taken = this.#inner.payload(bytes, 0, bytes.length);
    return this.finishing ? taken : this.#inner.readEnded(false) && taken;
  }

  #ended(): void {
    this.#encoder = null;
    this.finishing = false;
    this.#inner.end();
    this.#user.encoded();
  }
}
