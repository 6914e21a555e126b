import type { Socket } from 'node:net';
import type { Ground } from './ground.ts';
import type { Router } from './router.ts';

/** A client's connection as the plane keeps it: a handshake of TLS, a connection of HTTP/1, or one of HTTP/2. */
export interface PlaneClient {
  /** Looks at its deadlines. `now` in monotonic milliseconds. */
  sweep(now: number): void;
  /** While the worker drains: ends what serves nothing and has served nothing for `idle` milliseconds. */
  endIdle(idle: number): void;
  destroy(): void;
}

export interface ClientGround {
  readonly ground: Ground;
  readonly router: Router;
  /** Called when a connection takes the place of a handshake. */
  readonly opened: (client: PlaneClient) => void;
  /** Called once, when the connection is gone. */
  readonly closed: (client: PlaneClient) => void;
}

/** What is known of a TLS connection. */
export interface SecureSide {
  /** The TCP socket below. */
  readonly raw: Socket;
  /** Whether the certificate that was presented covers this host (lower case, no port). */
  covers(host: string): boolean;
}

/** The client's address, an IPv4 one as such also on a listener of IPv6. */
export function remoteOf(socket: Socket): string {
  const address = socket.remoteAddress ?? '';
  return address.startsWith('::ffff:') ? address.slice(7) : address;
}
