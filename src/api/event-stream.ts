import { Readable } from 'node:stream';
import type { FastifyReply } from 'fastify';
import { failureOf } from './failures.ts';
import { withHeartbeat } from './heartbeat.ts';

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
  readonly heartbeat: number;
  #closed = false;

  /** `heartbeat`: milliseconds of silence. */
  constructor(heartbeat: number) {
    this.heartbeat = heartbeat;
  }

  /** Answers a request with events. `follow` gets a signal that aborts when nobody listens any more. */
  answer(reply: FastifyReply, follow: (signal: AbortSignal) => AsyncIterable<StreamEvent>): FastifyReply {
    const signal = this.signalOf(reply);
    const pieces = render(follow(signal), { signal, heartbeat: this.heartbeat });
    return reply
      .headers({ 'content-type': 'text/event-stream', 'x-accel-buffering': 'no' })
      .send(Readable.from(pieces, { objectMode: false }));
  }

  /** Aborts when nobody reads the answer any more, or at `close`. */
  signalOf(reply: FastifyReply): AbortSignal {
    const controller = new AbortController();
    this.#open.add(controller);
    if (this.#closed || reply.raw.destroyed) controller.abort();
    reply.raw.once('close', () => {
      this.#open.delete(controller);
      controller.abort();
    });
    return controller.signal;
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
  try {
    for await (const event of withHeartbeat<StreamEvent | null>(events, { silence: heartbeat, signal, pulse: null }))
      yield event === null ? ': still here\n\n' : textOf(event);
  } catch (error) {
    yield `event: error\ndata: ${JSON.stringify(failureOf(error).document)}\n\n`;
  }
}

function textOf({ event, id, data }: StreamEvent): string {
  return `event: ${event}\nid: ${id}\ndata: ${JSON.stringify(data)}\n\n`;
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
