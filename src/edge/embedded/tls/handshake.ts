import type { Socket } from 'node:net';
import { type SecureContext, TLSSocket } from 'node:tls';
import { H2Connection } from '../h2/connection.ts';
import { ClientConnection } from '../plane/client.ts';
import type { ClientGround, PlaneClient, SecureSide } from '../plane/plane-client.ts';
import { type ClientHello, maxHelloSize, readClientHello } from './client-hello.ts';
import { covers } from './selection.ts';

const proofProtocol = 'acme-tls/1';

/** Descriptions of fatal alerts (RFC 8446 6). */
const alert = { decodeError: 50, unrecognizedName: 112 } as const;

/** What is presented for one certificate. Connections keep theirs when the set changes. */
export interface Presented {
  readonly context: SecureContext;
  readonly names: ReadonlySet<string>;
}

/** Finds what is presented for a name in lower case; `null`: nothing. */
export interface Showcase {
  /** For traffic. */
  find(name: string): Presented | null;
  /** For the proof of RFC 8737. */
  findProof(name: string): Presented | null;
}

export interface HandshakeOptions {
  readonly ground: ClientGround;
  readonly socket: Socket;
  readonly showcase: Showcase;
}

/**
 * A client's connection until it speaks HTTP. The ClientHello is read here before TLS begins: Node offers no way to refuse a name with
 * the alert for it, nor to choose a certificate by the protocol that is asked for (RFC 8737).
 *
 *   hello --certificate found--> shaking hands --secure--> a connection of HTTP/1 or HTTP/2 (or closed, after a proof)
 *     `--no match, no hello, too slow--> refused
 */
export class Handshake implements PlaneClient {
  readonly #ground: ClientGround;
  readonly #socket: Socket;
  readonly #showcase: Showcase;
  readonly #startedAt: number;
  #secure: TLSSocket | null = null;
  #hello: Buffer | null = null;
  #over = false;
  readonly #read: (chunk: Buffer) => void;
  readonly #closed = (): void => this.#leave();

  constructor({ ground, socket, showcase }: HandshakeOptions) {
    this.#ground = ground;
    this.#socket = socket;
    this.#showcase = showcase;
    this.#startedAt = ground.ground.clock.now;
    this.#read = ground.ground.guard(socket, (chunk: Buffer) => this.#data(chunk));
    socket.on('error', () => undefined);
    socket.on('data', this.#read);
    socket.on('close', this.#closed);
  }

  sweep(now: number): void {
    if (now - this.#startedAt >= this.#ground.ground.limits.handshakeTimeout) this.destroy();
  }

  endIdle(idle: number): void {
    const waits = this.#hello === null && this.#secure === null;
    if (waits && this.#ground.ground.clock.now - this.#startedAt >= idle) this.destroy();
  }

  destroy(): void {
    this.#socket.destroy();
  }

  #data(chunk: Buffer): void {
    const bytes = this.#hello === null ? chunk : Buffer.concat([this.#hello, chunk]);
    this.#hello = bytes;
    const hello = readClientHello(bytes);
    if (hello === 'incomplete' && bytes.length <= maxHelloSize) return;
    this.#socket.off('data', this.#read);
    if (typeof hello === 'string') this.#refuse(alert.decodeError);
    else this.#choose(hello, bytes);
  }

  #choose(hello: ClientHello, bytes: Buffer): void {
    const { serverName, protocols } = hello;
    const proof = protocols.length === 1 && protocols[0] === proofProtocol;
    const presented =
      serverName === null ? null : proof ? this.#showcase.findProof(serverName) : this.#showcase.find(serverName);
    if (presented === null) this.#refuse(alert.unrecognizedName);
    else this.#begin(presented, { bytes, proof });
  }

  #begin(presented: Presented, { bytes, proof }: { readonly bytes: Buffer; readonly proof: boolean }): void {
    const { ground } = this.#ground;
    this.#socket.pause();
    this.#socket.unshift(bytes);
    this.#hello = null;
    const secure = new TLSSocket(this.#socket, {
      isServer: true,
      secureContext: presented.context,
      ALPNProtocols: proof ? [proofProtocol] : ['h2', 'http/1.1'],
      requestCert: false,
    });
    this.#secure = secure;
    // A handshake that fails closes the connection; without listeners its error would end the worker.
    secure.on('error', () => undefined);
    secure.on('_tlsError', () => secure.destroy());
    secure.once('close', () => this.#socket.destroy());
    const established = ground.guard(secure, () => this.#established(secure, { presented, proof }));
    secure.once('secure', () => established(undefined));
  }

  #established(
    secure: TLSSocket,
    { presented, proof }: { readonly presented: Presented; readonly proof: boolean },
  ): void {
    secure.disableRenegotiation();
    if (proof) {
      // The certificate is the answer (RFC 8737 3).
      secure.destroySoon();
      return;
    }
    const { names } = presented;
    const side: SecureSide = { raw: this.#socket, covers: (host) => covers(names, host) };
    const client =
      secure.alpnProtocol === 'h2'
        ? new H2Connection(this.#ground, secure, side)
        : new ClientConnection(this.#ground, secure, side);
    this.#ground.opened(client);
    this.#socket.off('close', this.#closed);
    this.#leave();
  }

  /** Nothing is encrypted yet, so an alert can be written as it is: level fatal (RFC 8446 6). */
  #refuse(description: number): void {
    this.#socket.end(Buffer.from([21, 3, 3, 0, 2, 2, description]));
    this.#socket.resume();
  }

  #leave(): void {
    if (this.#over) return;
    this.#over = true;
    this.#ground.closed(this);
  }
}
