import { Readable } from 'node:stream';
import type { FastifyReply } from 'fastify';
import { failureOf } from './failures.ts';

/** A server-sent event before it is text. */
export interface StreamEvent {
  readonly event: string;
  readonly id: string;
  /** Becomes one line of JSON. */
  readonly data: unknown;
}

/**
 * The open event streams (HTML Standard, 9.2: server-sent events). Each ends when its events do, when the client goes away, or at
 * `close`; silence is broken by a comment, so that a dead connection is noticed on both sides.
 */
export class EventStreams {
  readonly #open = new Set<AbortController>();
  readonly #heartbeat: number;
  #closed = false;

  /** `heartbeat`: milliseconds of silence. */
  constructor(heartbeat: number) {
    this.#heartbeat = heartbeat;
  }

  /** Answers a request with events. `follow` gets a signal that aborts when nobody listens any more. */
  answer(reply: FastifyReply, follow: (signal: AbortSignal) => AsyncIterable<StreamEvent>): FastifyReply {
    const controller = new AbortController();
    this.#open.add(controller);
    if (this.#closed) controller.abort();
    reply.raw.once('close', () => {
      this.#open.delete(controller);
      controller.abort();
    });
    const pieces = render(follow(controller.signal), { signal: controller.signal, heartbeat: this.#heartbeat });
    return reply
      .headers({ 'content-type': 'text/event-stream', 'x-accel-buffering': 'no' })
      .send(Readable.from(pieces, { objectMode: false }));
  }

  /** Ends every stream, and those that are still asked for. */
  close(): void {
    this.#closed = true;
    for (const controller of this.#open) controller.abort();
  }
}

async function* render(
  events: AsyncIterable<StreamEvent>,
  { signal, heartbeat }: { signal: AbortSignal; heartbeat: number },
): AsyncGenerator<string> {
  // The head of the answer leaves with the first piece.
  yield ': kapal\n\n';
  const iterator = events[Symbol.asyncIterator]();
  using ended = abortion(signal);
  let next = iterator.next();
  try {
    while (!signal.aborted) {
      const result = await sooner([next, ended.promise], heartbeat);
      if (result === 'silence') yield ': still here\n\n';
      else if (result === 'aborted' || result.done === true) return;
      else {
        yield `event: ${result.value.event}\nid: ${result.value.id}\ndata: ${JSON.stringify(result.value.data)}\n\n`;
        next = iterator.next();
      }
    }
  } catch (error) {
    yield `event: error\ndata: ${JSON.stringify(failureOf(error).document)}\n\n`;
  } finally {
    // The signal has told the source to end; nobody waits for what it still says.
    next.catch(() => undefined);
    iterator.return?.().catch(() => undefined);
  }
}

async function sooner<T, U>(
  promises: readonly [Promise<T>, Promise<U>],
  milliseconds: number,
): Promise<T | U | 'silence'> {
  const { promise, resolve } = Promise.withResolvers<'silence'>();
  const timer = setTimeout(resolve, milliseconds, 'silence');
  try {
    return await Promise.race([...promises, promise]);
  } finally {
    clearTimeout(timer);
  }
}

function abortion(signal: AbortSignal): { readonly promise: Promise<'aborted'> } & Disposable {
  const { promise, resolve } = Promise.withResolvers<'aborted'>();
  const abort = () => resolve('aborted');
  if (signal.aborted) abort();
  signal.addEventListener('abort', abort, { once: true });
  return { promise, [Symbol.dispose]: () => signal.removeEventListener('abort', abort) };
}

/**
 * Rows of a store that grows, as events: those of `first`, then, whenever there may be more, those of `next` after the last one seen.
 * `more` is asked before the store is read, so that nothing falls between.
 */
export async function* followRows<Row extends { readonly sequence: number }>(source: {
  readonly event: string;
  readonly first: () => Promise<readonly Row[]>;
  readonly next: (after: number | undefined) => Promise<readonly Row[]>;
  readonly more: () => Promise<void>;
  readonly signal: AbortSignal;
  /** The last row that the client has seen already. */
  readonly after: number | undefined;
}): AsyncGenerator<StreamEvent> {
  let last = source.after;
  let more = source.more();
  let rows = await source.first();
  while (!source.signal.aborted) {
    for (const row of rows) {
      last = row.sequence;
      yield { event: source.event, id: String(row.sequence), data: row };
    }
    await more;
    more = source.more();
    rows = await source.next(last);
  }
}
