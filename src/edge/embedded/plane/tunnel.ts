import type { Socket } from 'node:net';
import type { ResponseHead } from '../http/response-head.ts';
import type { InterimHead } from './client-port.ts';
import { reasonOf } from './reply.ts';
import type { UpstreamConnection } from './upstream.ts';

/** Bytes in both directions after an upgrade, each held back when the other side does not take them. */
export class Tunnel {
  readonly #client: Socket;
  readonly #upstream: UpstreamConnection;
  #clientEnded = false;
  #upstreamEnded = false;
  bytesIn = 0;
  bytesOut = 0;
  /** Monotonic milliseconds of the last byte in either direction. */
  lastActive: number;

  constructor(client: Socket, upstream: UpstreamConnection, now: number) {
    this.#client = client;
    this.#upstream = upstream;
    this.lastActive = now;
  }

  /** Both directions have ended. */
  get over(): boolean {
    return this.#clientEnded && this.#upstreamEnded;
  }

  fromClient(bytes: Buffer, now: number): void {
    this.lastActive = now;
    this.bytesIn += bytes.length;
    if (!this.#upstream.write(bytes)) this.#client.pause();
  }

  /** `bytes` belongs to the reader and is copied. */
  fromUpstream(bytes: Buffer, now: number): void {
    this.lastActive = now;
    this.bytesOut += bytes.length;
    if (!this.#client.write(Buffer.from(bytes))) this.#upstream.pause();
  }

  clientWritable(): void {
    this.#upstream.resume();
  }

  upstreamWritable(): void {
    this.#client.resume();
  }

  /** The client sends no more; what it sent goes out first. */
  clientEnded(): void {
    this.#clientEnded = true;
    this.#upstream.end();
  }

  upstreamEnded(): void {
    this.#upstreamEnded = true;
    this.#client.end();
  }
}

/** Fields of the connection are not the endpoint's to pass on; those of the upgrade are written anew (RFC 9110 7.8). */
export function switchingHead(head: ResponseHead): InterimHead {
  const reason = head.reason === '' ? reasonOf(101) : head.reason;
  return { status: 101, reason, fields: `${head.fields}Upgrade: ${head.upgrade ?? ''}\r\nConnection: Upgrade\r\n` };
}
