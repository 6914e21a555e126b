import type { CertificateSources } from '../../../src/reconcile/certificate-sources.ts';

/** Certificates are asked of nobody: HTTPS is not served in this simulation. */
export function withoutAuthorities(): CertificateSources {
  const never = () => Promise.reject(new Error('no certificates here'));
  return {
    acme: null,
    email: '',
    isPublic: true,
    dns: null,
    local: { makeRoot: never, publish: never, issue: never },
    roots: { refuses: never },
    network: {
      records: never,
      caa: never,
      ownAddresses: () => [],
      get: never,
      handshake: never,
      clockSkew: never,
    },
  };
}
