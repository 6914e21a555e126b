import { ChunkedDecoder } from '../../../src/edge/embedded/http/chunked.ts';
import { FieldTable } from '../../../src/edge/embedded/http/fields.ts';
import { type HeadLimits, HeadScanner, NEEDS_MORE } from '../../../src/edge/embedded/http/head-scanner.ts';
import { Refusal } from '../../../src/edge/embedded/http/refusal.ts';
import { parseRequestHead, type RequestHead } from '../../../src/edge/embedded/http/request-head.ts';
import { parseResponseHead, type ResponseHead } from '../../../src/edge/embedded/http/response-head.ts';

export const limits: HeadLimits = { headSize: 4096, requestLineSize: 1024 };
export const fieldLimit = 40;

export interface Message<Head> {
  readonly head: Head;
  readonly body: string;
}

/** What a reader makes of a stream of messages, however it arrives: those that are whole, then why it stopped. */
export interface Reading<Head> {
  readonly messages: Message<Head>[];
  readonly refused: { readonly status: number; readonly reason: string } | null;
}

export function readRequests(segments: readonly Buffer[]): Reading<RequestHead> {
  return read(segments, parseRequestHead);
}

export function readResponses(segments: readonly Buffer[]): Reading<ResponseHead> {
  return read(segments, parseResponseHead);
}

/** The segments of one text, latin-1, cut at the given positions. */
export function cut(text: string, positions: readonly number[] = []): Buffer[] {
  const bytes = Buffer.from(text, 'latin1');
  const edges = [
    0,
    ...[...new Set(positions)].filter((at) => at > 0 && at < bytes.length).sort((a, b) => a - b),
    bytes.length,
  ];
  return edges.slice(1).map((end, i) => bytes.subarray(edges[i], end));
}

/** One segment per byte. */
export function byByte(text: string): Buffer[] {
  return cut(
    text,
    Array.from({ length: text.length }, (_, i) => i),
  );
}

type Framed = RequestHead | ResponseHead;
type Parse<Head> = (at: HeadScanner, table: FieldTable) => Head | Refusal;

function read<Head extends Framed>(segments: readonly Buffer[], parse: Parse<Head>): Reading<Head> {
  const scanner = new HeadScanner(limits);
  const table = new FieldTable(fieldLimit);
  const messages: Message<Head>[] = [];
  const stop = ({ status, reason }: Refusal): Reading<Head> => ({ messages, refused: { status, reason } });
  let open: OpenBody<Head> | null = null;
  for (const segment of segments) {
    for (let at = 0; at < segment.length; ) {
      if (open === null) {
        const end = scanner.feed(segment, at, segment.length);
        if (end === NEEDS_MORE) break;
        const head = typeof end === 'number' ? parse(scanner, table) : end;
        scanner.reset();
        if (typeof end !== 'number' || head instanceof Refusal) return stop(head as Refusal);
        at = end;
        open = new OpenBody(head);
      } else {
        const end: number | Refusal = open.feed(segment, at);
        if (typeof end !== 'number') return stop(end);
        at = end;
      }
      if (open.done) {
        messages.push({ head: open.head, body: open.text });
        open = null;
      }
    }
  }
  return { messages, refused: null };
}

class OpenBody<Head extends Framed> {
  readonly head: Head;
  text = '';
  readonly #decoder: ChunkedDecoder | null;
  #remaining: number;

  constructor(head: Head) {
    this.head = head;
    this.#decoder = head.chunked ? new ChunkedDecoder() : null;
    this.#remaining = Math.max(head.contentLength, 0);
  }

  get done(): boolean {
    return this.#decoder?.done ?? this.#remaining === 0;
  }

  feed(bytes: Buffer, from: number): number | Refusal {
    if (this.#decoder !== null) return this.#decoder.feed(bytes, from, this);
    const end = Math.min(bytes.length, from + this.#remaining);
    this.#remaining -= end - from;
    this.payload(bytes, from, end);
    return end;
  }

  payload(bytes: Buffer, start: number, end: number): void {
    this.text += bytes.toString('latin1', start, end);
  }
}
