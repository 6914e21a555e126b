import { createSecureContext, type SecureContext } from 'node:tls';
import type { EdgeCertificate } from '../../certificate.ts';

/** Mozilla's intermediate profile, Server Side TLS 6.0: TLS 1.2 and 1.3, forward secrecy and AEAD only, the client's order of ciphers. */
const intermediate = {
  minVersion: 'TLSv1.2',
  maxVersion: 'TLSv1.3',
  ciphers: [
    'TLS_AES_128_GCM_SHA256',
    'TLS_AES_256_GCM_SHA384',
    'TLS_CHACHA20_POLY1305_SHA256',
    'ECDHE-ECDSA-AES128-GCM-SHA256',
    'ECDHE-RSA-AES128-GCM-SHA256',
    'ECDHE-ECDSA-AES256-GCM-SHA384',
    'ECDHE-RSA-AES256-GCM-SHA384',
    'ECDHE-ECDSA-CHACHA20-POLY1305',
    'ECDHE-RSA-CHACHA20-POLY1305',
  ].join(':'),
  ecdhCurve: 'X25519MLKEM768:X25519:prime256v1:secp384r1',
  honorCipherOrder: false,
} as const;

/** Keys of session tickets (RFC 5077, RFC 8446 4.6.1): 48 bytes. `scope`: tickets are taken within one only. */
export interface TicketKey {
  readonly key: Buffer;
  readonly scope: string;
}

/** Throws where chain and key are not sound, or do not belong together. */
export function contextOf(
  certificate: Pick<EdgeCertificate, 'chain' | 'key'>,
  tickets: TicketKey | null = null,
): SecureContext {
  return createSecureContext({
    ...intermediate,
    cert: certificate.chain,
    key: certificate.key,
    ...(tickets === null ? {} : { ticketKeys: tickets.key, sessionIdContext: tickets.scope }),
  });
}
