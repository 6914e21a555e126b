import { createServer, type Server } from 'node:net';
import { KapalError } from '../../model/errors.ts';
import { errorCode } from '../../lib/files.ts';
import { describeHolders, holdersOf, type PortHolder } from './holder.ts';

export interface SocketAddress {
  readonly host: string;
  readonly port: number;
}

/** `host:port`, IPv6 in brackets. */
export function formatAddress(address: SocketAddress): string {
  return `${address.host.includes(':') ? `[${address.host}]` : address.host}:${address.port}`;
}

/**
 * Opens the edge's listening socket, hands its descriptor to `start` and closes this process's copy. `start` must pass it on before it
 * returns: the daemon never gets to accept on it, so connections that come meanwhile wait in the backlog for the first worker.
 *
 * The socket has SO_REUSEPORT so that a later daemon can open a second one beside orphaned workers whose keeper was killed: then no
 * connection is refused while they are replaced. Because that option would also let two data folders share a port unnoticed (same
 * user), a trial bind without it comes first; `ours` tells holders that are this edge's own.
 *
 * Throws `port_taken` naming the holder, or `edge_failed` where the system refuses the address.
 */
export async function openListener(options: {
  readonly address: SocketAddress;
  readonly ours: (holder: PortHolder) => boolean;
  readonly start: (descriptor: number, bound: SocketAddress) => void;
}): Promise<void> {
  await refuseStrangers(options.address, options.ours);
  await listenBriefly(options.address, { reusePort: true, ready: (server) => handOn(server, options) });
}

async function refuseStrangers(address: SocketAddress, ours: (holder: PortHolder) => boolean): Promise<void> {
  if (address.port === 0) return;
  try {
    await listenBriefly(address, { reusePort: false, ready: () => undefined });
  } catch (error) {
    if (errorCode(error) !== 'EADDRINUSE') throw addressError(address, error);
    const holders = holdersOf(address.port);
    if (holders.length === 0 || !holders.every(ours))
      throw portTaken(
        address,
        holders.filter((holder) => !ours(holder)),
      );
  }
}

function listenBriefly(
  address: SocketAddress,
  options: { readonly reusePort: boolean; ready(server: Server): void },
): Promise<void> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    // Here the descriptor listens, but the event loop has not polled it yet, and libuv accepts only while polling.
    server.listen({ host: address.host, port: address.port, reusePort: options.reusePort, backlog: 4096 }, () => {
      try {
        options.ready(server);
        resolve();
      } catch (error) {
        reject(error instanceof Error ? error : new Error(String(error)));
      } finally {
        server.close();
      }
    });
  });
}

function handOn(server: Server, options: { start(descriptor: number, bound: SocketAddress): void }): void {
  const bound = server.address();
  if (bound === null || typeof bound === 'string') throw new Error('the listening socket has no address');
  options.start(descriptorOf(server), { host: bound.address, port: bound.port });
}

/** Node has no public name for a server's descriptor; its own child_process reads the same field. */
function descriptorOf(server: Server): number {
  const descriptor = (server as { readonly _handle?: { readonly fd?: number } })._handle?.fd;
  if (descriptor === undefined || descriptor < 0) throw new Error('this Node does not tell the descriptor of a server');
  return descriptor;
}

function portTaken(address: SocketAddress, holders: readonly PortHolder[]): KapalError {
  return new KapalError('port_taken', `${formatAddress(address)} is held by ${describeHolders(holders)}`, {
    hint: 'Stop that program, or choose another address for plain HTTP with --http HOST:PORT.',
  });
}

function addressError(address: SocketAddress, error: unknown): KapalError {
  const code = errorCode(error);
  const hint =
    code === 'EACCES'
      ? 'Ports below 1024 need root: choose another one with --http HOST:PORT.'
      : 'Choose an address of this machine with --http HOST:PORT.';
  return new KapalError(
    'edge_failed',
    `The edge cannot listen on ${formatAddress(address)}: ${code ?? String(error)}`,
    { hint, cause: error },
  );
}
