import { createServer, type AddressInfo } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';
import { errorCode } from '../../lib/files.ts';
import { KapalError } from '../../model/errors.ts';
import { describeHolders, holdersOf, type PortHolder } from '../holder.ts';
import { formatAddress, type SocketAddress } from './address.ts';

/** Between two looks, and how many of them. */
const POLL = 50;
const LOOKS = 10;

/**
 * Makes sure that nobody else listens at an address. nginx's own sockets have SO_REUSEPORT, with which it would share a port with another Kapal of the same
 * user unnoticed; so this binds without it, and lets go again. `ours` tells, when it is asked, whether a holder is this edge's own. Answers the port, a free one for port 0.
 *
 * Throws `port_taken` naming the holder, or `edge_failed` where the system refuses the address.
 */
export async function claimPort(claim: {
  readonly address: SocketAddress;
  readonly protocol: 'http' | 'https';
  readonly ours: (holder: PortHolder) => boolean;
}): Promise<number> {
  const { address, protocol, ours } = claim;
  let suspects: ReadonlySet<number> = new Set();
  for (let look = 1; ; look += 1) {
    const port = await bindBriefly(address).catch((error: unknown) => {
      if (errorCode(error) !== 'EADDRINUSE') throw refused(address, error);
      return null;
    });
    if (port !== null) return port;
    const holders = holdersOf(address.port, address.host);
    const strangers = holders.filter((holder) => !ours(holder));
    if (holders.length > 0 && strangers.length === 0) return address.port;
    // A process that ends (a worker that was killed) may be found with the port and be nobody's a moment later: who holds it is seen twice.
    if (strangers.some(({ pid }) => suspects.has(pid)) || look === LOOKS) throw portTaken(protocol, address, strangers);
    suspects = new Set(strangers.map(({ pid }) => pid));
    await pause(POLL);
  }
}

function bindBriefly(address: SocketAddress): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen({ host: address.host, port: address.port, exclusive: true, backlog: 1 }, () => {
      // A server on a TCP port has an address of this form.
      const { port } = server.address() as AddressInfo;
      server.close(() => resolve(port));
    });
  });
}

function portTaken(protocol: 'http' | 'https', address: SocketAddress, strangers: readonly PortHolder[]): KapalError {
  const name = protocol === 'http' ? 'plain HTTP' : 'HTTPS';
  return new KapalError('port_taken', `${formatAddress(address)} is held by ${describeHolders(strangers)}`, {
    hint: `Stop that program, or choose another address for ${name} with --${protocol} HOST:PORT.`,
  });
}

function refused(address: SocketAddress, cause: unknown): KapalError {
  const code = errorCode(cause);
  const hints: Readonly<Record<string, string>> = {
    EACCES: 'Ports below 1024 need root.',
    EADDRNOTAVAIL: 'No interface of this machine has that address.',
  };
  return new KapalError(
    'edge_failed',
    `The edge cannot listen on ${formatAddress(address)} (${code ?? String(cause)})`,
    {
      hint: code === null ? undefined : hints[code],
      cause,
    },
  );
}
