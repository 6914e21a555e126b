import type { Agent, ClientRequest, RequestOptions } from 'node:http';
import type * as Https from 'node:https';
import { createRequire } from 'node:module';
import { isIP } from 'node:net';
import type * as Tls from 'node:tls';
import { loadHttps } from '../lib/http.ts';

/** Who is asked for, and whether the certificate must be that peer's and of an authority that the machine trusts. */
export interface TlsPeer {
  readonly name: string;
  readonly verify: boolean;
}

interface Loaded {
  readonly https: ReturnType<typeof loadHttps>;
  readonly agent: Agent;
  readonly tls: typeof Tls;
  /** Authorities are read once: hundreds of certificates. */
  readonly verified: Tls.SecureContext;
  readonly unverified: Tls.SecureContext;
}

/** Requests over TLS; what they need is loaded with the first of them. */
export class TlsRequests {
  #loaded: Loaded | null = null;

  /** Not yet sent; throws what `https.request` throws. */
  begin(target: RequestOptions, { name, verify }: TlsPeer): ClientRequest {
    const { https, agent, tls, verified, unverified } = (this.#loaded ??= load());
    const options: Https.RequestOptions & Pick<Tls.ConnectionOptions, 'secureContext'> = {
      ...target,
      agent,
      // Never an address (RFC 6066 3).
      servername: isIP(name) === 0 ? name : '',
      rejectUnauthorized: verify,
      checkServerIdentity: (_, certificate) => tls.checkServerIdentity(name, certificate),
      secureContext: verify ? verified : unverified,
    };
    return https.request(options);
  }
}

/** The peer that a Host stands for. */
export function peerOf(host: string): string {
  return /^\[([^\]]+)\]/.exec(host)?.[1] ?? host.replace(/:\d+$/, '');
}

function load(): Loaded {
  const https = loadHttps();
  const tls = createRequire(import.meta.url)('node:tls') as typeof Tls;
  // A session that is taken up again would not show the certificate again.
  const agent = new https.Agent({ keepAlive: false, maxSockets: Number.POSITIVE_INFINITY, maxCachedSessions: 0 });
  const ca = tls.getCACertificates('system');
  const verified = tls.createSecureContext(ca.length === 0 ? {} : { ca });
  return { https, agent, tls, verified, unverified: tls.createSecureContext({ ca: [] }) };
}
