import { type Lines, sections } from './text.ts';

/** Mozilla's intermediate profile, guideline 6.0: every client since Firefox 27, Android 4.4, Java 8u31. */
const ciphers = [
  'ECDHE-ECDSA-AES128-GCM-SHA256',
  'ECDHE-RSA-AES128-GCM-SHA256',
  'ECDHE-ECDSA-AES256-GCM-SHA384',
  'ECDHE-RSA-AES256-GCM-SHA384',
  'ECDHE-ECDSA-CHACHA20-POLY1305',
  'ECDHE-RSA-CHACHA20-POLY1305',
];

/** TLS of the HTTPS listener: certificates by name from shared memory, versions and ciphers for all. */
export function tlsLines(): Lines {
  return sections(
    [
      '# nginx wants a certificate to start with. Nobody ever sees this one: Lua picks by the name that the client asks for (SNI), and',
      '# refuses the handshake where it has none.',
      'ssl_certificate certificates/placeholder.pem;',
      'ssl_certificate_key certificates/placeholder.key;',
      'ssl_client_hello_by_lua_block { require("kapal.tls").client_hello() }',
      'ssl_certificate_by_lua_block { require("kapal.tls").certificate() }',
    ],
    [
      "# Mozilla's intermediate profile. TLS 1.3 has its own ciphers, all of them sound. Without prefer_server_ciphers a phone without",
      '# AES in hardware gets ChaCha20, which is quicker there. Suites with DHE are left out: they cost much and no client needs them.',
      'ssl_protocols TLSv1.2 TLSv1.3;',
      `ssl_ciphers ${ciphers.join(':')};`,
      'ssl_prefer_server_ciphers off;',
      'ssl_ecdh_curve X25519:prime256v1:secp384r1;',
    ],
    [
      '# Sessions are resumed from memory that the workers share (10 MB: some 40,000). Tickets would be sealed by a key that nobody',
      '# changes while the edge runs for months, and with it all that was ever said could be read.',
      'ssl_session_timeout 1d;',
      'ssl_session_cache shared:kapal_sessions:10m;',
      'ssl_session_tickets off;',
      '# The head of an answer leaves in a packet of its own instead of waiting for 16 KiB.',
      'ssl_buffer_size 4k;',
    ],
  );
}
