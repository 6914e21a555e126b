import type { Socket } from 'node:net';

/** A client's connection as an exchange sees it. */
export interface Client {
  readonly socket: Socket;
  readonly remote: string;
  readonly remoteHash: number;
  /** `X-Forwarded-*`, `X-Real-IP` and `Forwarded` lines for this client and a Host field. */
  forwardedFields(host: string): string;
  /** Text is latin-1: one byte per character. `false`: hold back until `clientWritable`. */
  write(data: string | Buffer): boolean;
  /** Body bytes may come again, after `holdBody`. */
  resumeBody(): void;
  holdBody(): void;
  /** The exchange is over and its answer written. Not to be kept: the connection ends politely. */
  finished(keep: boolean): void;
  /** The answer cannot be completed: ends the connection so that no client takes what it has for the whole. */
  abort(): void;
  /** All bytes from now on go to the exchange's tunnel. */
  becomeTunnel(): void;
}
