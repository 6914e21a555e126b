import { createRequire } from 'node:module';
import { isIP, type OnReadOpts, type Socket } from 'node:net';
import type * as Tls from 'node:tls';
import type { UpstreamTls } from '../../pool.ts';

/** Sessions are kept for so many peers at most; each is some kilobytes. */
const maxSessions = 256;

/** Whom a connection over TLS is made with. Two connections with the same key are as good as each other. */
export interface TlsTarget {
  /** Sent as SNI unless it is an address (RFC 6066 3), and looked for in the certificate. */
  readonly name: string;
  readonly verify: boolean;
  readonly key: string;
}

/** `sentHost`: the Host field that the endpoint is sent. */
export function tlsTarget({ serverName, verify }: UpstreamTls, sentHost: string): TlsTarget {
  const name = serverName ?? nameOf(sentHost);
  return { name, verify, key: `${verify ? 'verified' : 'unverified'} ${name}` };
}

/** Makes connections over TLS. Node's TLS is loaded with the first of them: a worker that needs none is spared 5 MB. */
export class TlsConnector {
  #tls: typeof Tls | null = null;
  #verified: Tls.SecureContext | null = null;
  #unverified: Tls.SecureContext | null = null;
  /** By address and key of the target, so that what was not verified is never resumed where it has to be. */
  readonly #sessions = new Map<string, Buffer>();

  /** A connecting socket that emits `secureConnect` once the peer is who it should be. */
  connect(
    { host, port }: { readonly host: string; readonly port: number },
    { name, verify, key }: TlsTarget,
    onread: OnReadOpts,
  ): Socket {
    const tls = (this.#tls ??= createRequire(import.meta.url)('node:tls') as typeof Tls);
    const peer = `${host} ${port} ${key}`;
    const session = this.#sessions.get(peer);
    // Its types do not know `onread`, which is handed on to the socket below.
    const options: Tls.ConnectionOptions & { readonly onread: OnReadOpts } = {
      host,
      port,
      servername: isIP(name) === 0 ? name : '',
      rejectUnauthorized: verify,
      checkServerIdentity: (_, certificate) => (verify ? tls.checkServerIdentity(name, certificate) : undefined),
      secureContext: verify ? this.#verifiedContext(tls) : (this.#unverified ??= tls.createSecureContext({ ca: [] })),
      ALPNProtocols: ['http/1.1'],
      onread,
      ...(session === undefined ? {} : { session }),
    };
    const socket = tls.connect(options);
    socket.setNoDelay(true);
    socket.on('session', (fresh: Buffer) => this.#remember(peer, fresh));
    // A session that leads to a failure is not tried again.
    socket.once('error', () => this.#sessions.delete(peer));
    return socket;
  }

  /**
   * The system's authorities (those of SSL_CERT_FILE and SSL_CERT_DIR where they are set) are read once: hundreds of certificates. Where
   * there are none, those that come with Node.
   */
  #verifiedContext(tls: typeof Tls): Tls.SecureContext {
    if (this.#verified === null) {
      const ca = tls.getCACertificates('system');
      this.#verified = tls.createSecureContext(ca.length === 0 ? {} : { ca });
    }
    return this.#verified;
  }

  #remember(peer: string, session: Buffer): void {
    this.#sessions.delete(peer);
    this.#sessions.set(peer, session);
    const [oldest] = this.#sessions.keys();
    if (this.#sessions.size > maxSessions && oldest !== undefined) this.#sessions.delete(oldest);
  }
}

/** A Host field without its port and brackets. */
function nameOf(host: string): string {
  const bracketed = /^\[([^\]]+)\]/.exec(host);
  return bracketed?.[1] ?? host.replace(/:\d+$/, '');
}
