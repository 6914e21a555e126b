import { createServer, type AddressInfo } from 'node:net';
import { errorCode } from '../../lib/files.ts';
import { KapalError } from '../../model/errors.ts';
import { refuseStrangers } from '../claim.ts';
import type { PortHolder } from '../holder.ts';
import { formatAddress, type SocketAddress } from './address.ts';

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
  const bind = () =>
    bindBriefly(address).catch((error: unknown) => {
      throw errorCode(error) === 'EADDRINUSE' ? error : refused(address, error);
    });
  const port = await refuseStrangers({ ...address, protocol, shown: formatAddress(address), ours, bind });
  return port ?? address.port;
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
