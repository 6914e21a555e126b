import { once } from 'node:events';
import { duplexPair } from 'node:stream';
import { connect, getCACertificates, TLSSocket } from 'node:tls';
import type { RootStore } from '../port.ts';

/**
 * Asks OpenSSL itself: a handshake within this process, whose client knows the roots of the machine and those that come with Node. `roots` are PEM,
 * in place of the machine's.
 */
export function createRootStore(options: { readonly roots?: readonly string[] } = {}): RootStore {
  return {
    async refuses({ chain, key }, host) {
      const roots = options.roots ?? [...getCACertificates('system'), ...getCACertificates('default')];
      const [here, there] = duplexPair();
      const server = new TLSSocket(there, { isServer: true, cert: chain, key });
      // Whatever ends the handshake is told to the client too.
      server.on('error', () => undefined);
      const name = host.startsWith('*.') ? `www${host.slice(1)}` : host;
      const client = connect({ socket: here, servername: name, ca: [...roots] });
      try {
        await once(client, 'secureConnect');
        return null;
      } catch (error) {
        return error instanceof Error ? error.message : String(error);
      } finally {
        client.destroy();
        server.destroy();
      }
    },
  };
}
