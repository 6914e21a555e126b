import { isLocalName } from '../model/domains.ts';
import type { HttpsSpec } from '../spec/edge-spec.ts';
import { defaults } from '../spec/spec.ts';

/** What is known of a host's certificate. */
export interface HostTrust {
  /** HTTPS is served at all. */
  readonly https: boolean;
  /** The edge presents a certificate that clients on other machines accept. */
  readonly trusted: boolean;
}

/** As `Route` has them: fields that do not hold are absent. */
export interface HostTransport {
  readonly redirectToHttps?: true;
  /** Seconds. */
  readonly hsts?: number;
}

/**
 * Pure: how the routes of a host treat plain HTTP. By default it is redirected, and HSTS sent, only where a trusted certificate is presented; names
 * under `localhost` always answer plain HTTP. `always` redirects whatever the certificate; HSTS without a trusted one would lock visitors out.
 */
export function transportOf(host: string, trust: HostTrust, declared: HttpsSpec | undefined): HostTransport {
  if (!trust.https || isLocalName(host)) return {};
  const redirect = declared?.redirect ?? 'auto';
  const redirects = redirect === 'always' || (redirect === 'auto' && trust.trusted);
  const seconds = declared?.hsts ?? (redirect === 'never' ? 0 : defaults.hsts);
  return {
    ...(redirects ? { redirectToHttps: true } : {}),
    ...(trust.trusted && seconds > 0 ? { hsts: seconds } : {}),
  };
}
