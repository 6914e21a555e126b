import { lookup } from 'node:dns/promises';
import { createServer, isIP, type Server } from 'node:net';
import { KapalError } from '../../model/errors.ts';
import { errorCode } from '../../lib/files.ts';
import { refuseStrangers } from '../claim.ts';
import type { PortHolder } from '../holder.ts';

export interface SocketAddress {
  readonly host: string;
  readonly port: number;
}

/** `host:port`, IPv6 in brackets. */
export function formatAddress(address: SocketAddress): string {
  return `${address.host.includes(':') ? `[${address.host}]` : address.host}:${address.port}`;
}

/** What the edge listens on; `null` where it does not. */
export interface ListenAddresses {
  readonly http: SocketAddress | null;
  readonly https: SocketAddress | null;
}

/** Descriptors that listen, and `host:port` of each as it was asked for, with the port that was bound. */
export interface Listening {
  readonly http: ListeningSocket | null;
  readonly https: ListeningSocket | null;
}

export interface ListeningSocket {
  readonly descriptor: number;
  readonly address: string;
}

type Protocol = keyof ListenAddresses;

/**
 * Opens the edge's listening sockets, hands their descriptors to `start` and closes this process's copies. `start` must pass them on
 * before it returns: the daemon never gets to accept on them, so connections that come meanwhile wait in the backlog for the first worker.
 *
 * The sockets have SO_REUSEPORT so that a later daemon can open a second one beside orphaned workers whose keeper was killed: then no
 * connection is refused while they are replaced. Because that option would also let two data folders share a port unnoticed (same
 * user), a trial bind without it comes first; `ours` tells holders that are this edge's own.
 *
 * Throws `port_taken` naming the holder, or `edge_failed` where the system refuses the address.
 */
export async function openListeners(options: {
  readonly addresses: ListenAddresses;
  readonly ours: (holder: PortHolder) => boolean;
  readonly start: (listening: Listening) => void;
}): Promise<void> {
  const http = await prepare('http', options);
  const https = await prepare('https', options);
  const servers: Server[] = [];
  try {
    // From here to `start` the event loop does not poll, and libuv accepts only while polling: listening on an address that needs no
    // look-up is reported by a tick of its own (process.nextTick).
    const listening = { http: await listen(http, servers), https: await listen(https, servers) };
    options.start(listening);
  } finally {
    for (const server of servers) server.close();
  }
}

interface Prepared {
  readonly protocol: Protocol;
  /** As it was asked for. */
  readonly wanted: SocketAddress;
  /** Numeric. */
  readonly host: string;
}

/** Resolves the name, and refuses an address that a stranger holds. */
async function prepare(
  protocol: Protocol,
  options: { readonly addresses: ListenAddresses; readonly ours: (holder: PortHolder) => boolean },
): Promise<Prepared | null> {
  const wanted = options.addresses[protocol];
  if (wanted === null) return null;
  const host = await numeric(protocol, wanted);
  const prepared: Prepared = { protocol, wanted, host };
  const bind = () => tryOut(prepared);
  if (wanted.port !== 0)
    await refuseStrangers({
      protocol,
      host,
      port: wanted.port,
      shown: formatAddress(wanted),
      ours: options.ours,
      bind,
    });
  return prepared;
}

async function numeric(protocol: Protocol, wanted: SocketAddress): Promise<string> {
  if (isIP(wanted.host) !== 0) return wanted.host;
  try {
    return (await lookup(wanted.host)).address;
  } catch (error) {
    throw addressError(protocol, wanted, error);
  }
}

/** Binds without SO_REUSEPORT, with which the kernel would share the port with another program of the same user. */
async function tryOut({ protocol, wanted, host }: Prepared): Promise<void> {
  try {
    const trial = await listening(host, { port: wanted.port, reusePort: false });
    trial.close();
  } catch (error) {
    throw errorCode(error) === 'EADDRINUSE' ? error : addressError(protocol, wanted, error);
  }
}

async function listen(prepared: Prepared | null, servers: Server[]): Promise<ListeningSocket | null> {
  if (prepared === null) return null;
  const { protocol, wanted, host } = prepared;
  try {
    const server = await listening(host, { port: wanted.port, reusePort: true });
    servers.push(server);
    const bound = server.address();
    if (bound === null || typeof bound === 'string') throw new Error('the listening socket has no address');
    return {
      descriptor: descriptorOf(server),
      address: formatAddress({ host: wanted.host, port: bound.port }),
    };
  } catch (error) {
    throw errorCode(error) === null ? error : addressError(protocol, wanted, error);
  }
}

function listening(host: string, options: { readonly port: number; readonly reusePort: boolean }): Promise<Server> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen({ host, ...options, backlog: 4096 }, () => resolve(server));
  });
}

/** Node has no public name for a server's descriptor; its own child_process reads the same field. */
function descriptorOf(server: Server): number {
  const descriptor = (server as { readonly _handle?: { readonly fd?: number } })._handle?.fd;
  if (descriptor === undefined || descriptor < 0) throw new Error('this Node does not tell the descriptor of a server');
  return descriptor;
}

function addressError(protocol: Protocol, address: SocketAddress, error: unknown): KapalError {
  const code = errorCode(error);
  const hint =
    code === 'EACCES'
      ? `Ports below 1024 need root: choose another one with --${protocol} HOST:PORT.`
      : `Choose an address of this machine with --${protocol} HOST:PORT.`;
  return new KapalError(
    'edge_failed',
    `The edge cannot listen on ${formatAddress(address)}: ${code ?? String(error)}`,
    { hint, cause: error },
  );
}
