import { bounds } from './bounds.ts';
import { ConnectionError, errorCode } from './codes.ts';
import type { H2Stream } from './stream.ts';

/** What a stream's number stands for (RFC 9113 5.1): `reset` by us a moment ago, so that frames sent before the client knew may still come. */
export type Past = 'never-opened' | 'ended' | 'reset';

/** The streams of one connection: those that are open, and what is remembered of others. */
export class StreamTable {
  readonly #open = new Map<number, H2Stream>();
  /** The oldest first; `true`: by a reset of ours. */
  readonly #ended = new Map<number, boolean>();
  /** The highest that the client has used. */
  last = 0;

  get size(): number {
    return this.#open.size;
  }

  get(id: number): H2Stream | undefined {
    return this.#open.get(id);
  }

  values(): Iterable<H2Stream> {
    return this.#open.values();
  }

  add(stream: H2Stream): void {
    this.#open.set(stream.id, stream);
  }

  remove(id: number, reset: boolean): void {
    this.#open.delete(id);
    this.#ended.set(id, reset);
    if (this.#ended.size <= bounds.remembered) return;
    const [oldest] = this.#ended.keys();
    if (oldest !== undefined) this.#ended.delete(oldest);
  }

  clear(): H2Stream[] {
    const streams = [...this.#open.values()];
    this.#open.clear();
    return streams;
  }

  /** Of a number up to `last` that is not open. Streams are used in ascending order: one that was passed over is closed (5.1.1). */
  past(id: number): Past {
    const reset = this.#ended.get(id);
    if (reset !== undefined) return reset ? 'reset' : 'ended';
    // What was forgotten is taken for ended where it may have been.
    return this.#ended.size >= bounds.remembered ? 'ended' : 'never-opened';
  }

  /** Throws ConnectionError for a stream that is idle. */
  requireUsed(id: number): void {
    if (id > this.last || (id !== 0 && id % 2 === 0))
      throw new ConnectionError(errorCode.protocol, 'a frame on an idle stream');
  }
}
