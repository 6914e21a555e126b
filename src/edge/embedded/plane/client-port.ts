import type { Socket } from 'node:net';
import type { RequestHead } from '../http/request-head.ts';
import type { ResponseHead } from '../http/response-head.ts';

/** What sends a request, as an exchange sees it: a connection of HTTP/1, or one stream of an HTTP/2 connection. */
export interface Client {
  readonly scheme: 'http' | 'https';
  readonly remote: string;
  readonly remoteHash: number;
  /** `X-Forwarded-*`, `X-Real-IP` and `Forwarded` lines for this client and a Host field. */
  forwardedFields(host: string): string;
  /** Whether the connection may carry requests for this host (lower case, no port): over TLS, whether its certificate covers it (RFC 9110 7.4). */
  covers(host: string): boolean;
  /** Where the answer to a request goes. Made once for each request, before anything is sent. */
  answerTo(asked: Asked): AnswerSink;
  /** Sends 1xx ahead of the answer. Never 101. */
  interim(head: InterimHead): void;
  /** Sends 101; the socket is for the tunnel, and `becomeTunnel` follows. `null`: the protocol has no upgrade, and nothing was sent. */
  switchProtocols(head: InterimHead): Socket | null;
  /** All bytes from now on go to the exchange's tunnel. */
  becomeTunnel(): void;
  /** Body bytes may come again, after `holdBody`. */
  resumeBody(): void;
  holdBody(): void;
  /** The exchange is over and its answer written. Not to be kept: the connection ends politely. */
  finished(keep: boolean): void;
  /** The answer cannot be completed: ends it so that no client takes what it has for the whole. */
  abort(): void;
}

/** A request that is to be answered. */
export interface Asked {
  readonly request: RequestHead;
  /** Whether the connection may serve another request; asked once, when the head is written. */
  mayKeep(): boolean;
}

/** `fields` as lines with their CRLF. */
export type InterimHead = Pick<ResponseHead, 'status' | 'reason' | 'fields'>;

/**
 * One answer as the client's protocol frames it: `head`, then pieces of the body, then `end`. Text is latin-1: one byte per character.
 * What answers with a boolean says `false` for: hold back until `clientWritable`.
 */
export interface AnswerSink {
  /** Whether the connection stays open, as the written head says. */
  readonly keep: boolean;
  /** Goes out with what follows. `length` of the whole body, -1 where it is not known. */
  head(head: ResponseHead, length: number): void;
  /** Empty text sends a head that waits. */
  text(body: string): boolean;
  /** The bytes may be used again when this returns. */
  bytes(bytes: Buffer, start: number, end: number): boolean;
  /** The last of the body. */
  end(body: string): void;
}
