import { once } from 'node:events';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import type { TLSSocket } from 'node:tls';
import type { EdgeCertificate } from '../../src/edge/certificate.ts';

/**
 * An HTTPS server that answers its name and the Host that it was sent; after `/end` it closes the connection, `/echo` gives the body back, and `/connection` tells
 * which of its connections it was and the server name that was asked for there.
 */
export interface SecureBackend extends AsyncDisposable {
  readonly name: string;
  readonly port: number;
  /** Server names that clients asked for, one for each handshake. */
  readonly asked: string[];
  resumed: number;
}

/** `number` counts from 1. */
export interface SecureConnection {
  readonly number: number;
  readonly serverName: string;
}

export async function secureBackend(name: string, certificate: EdgeCertificate): Promise<SecureBackend> {
  const server = createServer({ cert: certificate.chain, key: certificate.key }, (request, response) => {
    if (request.url === '/end') response.setHeader('connection', 'close');
    if (request.url === '/echo') request.pipe(response);
    else if (request.url === '/connection') response.end(JSON.stringify(connections.get(request.socket)));
    else response.end(`${name} ${request.headers.host}`);
  });
  const asked: string[] = [];
  const connections = new WeakMap<object, SecureConnection>();
  const backend = { name, port: 0, asked, resumed: 0 };
  server.on('secureConnection', (socket: TLSSocket) => {
    // False where none was sent.
    const serverName = typeof socket.servername === 'string' ? socket.servername : '';
    connections.set(socket, { number: asked.push(serverName), serverName });
    if (socket.isSessionReused()) backend.resumed += 1;
  });
  server.on('tlsClientError', () => undefined);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return Object.assign(backend, {
    port: (server.address() as AddressInfo).port,
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  });
}
