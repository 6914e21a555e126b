import type { SocketAddress } from '../address.ts';
import { formatAddress } from '../address.ts';
import type { EngineSettings } from './settings.ts';
import { preparedLines } from './locations.ts';
import { tlsLines } from './tls.ts';
import { block, type Lines, sections } from './text.ts';

/** Statuses with a page of the edge; those from 494 on are nginx's own for refused heads. */
const pages = [
  400, 401, 403, 404, 405, 408, 411, 412, 413, 414, 415, 416, 417, 421, 429, 431, 494, 495, 496, 497, 500, 501, 502, 503, 504, 505,
  507,
];

/** The public servers: one for plain HTTP and one for HTTPS, each for every host. */
export function serverLines(settings: EngineSettings): Lines {
  const plain = [
    '# Plain HTTP, for every host: routes are data, so there is no server block per domain.',
    ...block('server', sections(listen(settings.http, ''), routing(settings, 'http'))),
  ];
  if (settings.https === null) return plain;
  const secure = [
    '# HTTPS, for every host.',
    ...block('server', sections(listen(settings.https, ' ssl http2'), tlsLines(), acmeOnly(), routing(settings, 'https'))),
  ];
  return sections(plain, secure);
}

function listen(address: SocketAddress, kind: string): Lines {
  const v6only = address.host.includes(':') ? (address.host === '::' ? ' ipv6only=off' : ' ipv6only=on') : '';
  return [
    '# Each worker has a socket of its own, between which the kernel spreads connections; 4,096 may wait while all are busy. A client',
    '# that connects and says nothing does not wake a worker (deferred), and a dead one is noticed (so_keepalive).',
    `listen ${formatAddress(address)}${kind} default_server reuseport backlog=4096 so_keepalive=60s:10s:6${v6only};`,
    'server_name _;',
  ];
}

function acmeOnly(): Lines {
  return [
    '# A connection on which an authority looks at the certificate of a challenge serves nothing else (RFC 8737 3).',
    'if ($ssl_alpn_protocol = acme-tls/1) { return 444; }',
  ];
}

function routing(settings: EngineSettings, scheme: 'http' | 'https'): Lines {
  return sections(variables(settings), main(scheme), errors(), preparedLines());
}

function variables(settings: EngineSettings): Lines {
  return [
    '# What Lua tells nginx about a request, with what holds where it says nothing.',
    'set $kapal_host $http_host;',
    'set $kapal_client $remote_addr;',
    'set $kapal_scheme $scheme;',
    'set $kapal_target $request_uri;',
    `set $kapal_https_port '${settings.https === null ? '' : String(settings.https.port)}';`,
    ...['prefix', 'upgrade', 'tls_name'].map((name) => `set $kapal_${name} '';`),
  ];
}

function main(scheme: 'http' | 'https'): Lines {
  return [
    '# Every request: host and path are looked up, policies applied, and the pool found; then nginx passes it on as from any',
    '# hand-written site. When the head of the answer goes out, and when all is over, the endpoint is judged and counted.',
    'header_filter_by_lua_block { require("kapal.route").answered() }',
    'log_by_lua_block { require("kapal.log").done() }',
    ...block('location /', [
      `access_by_lua_block { require("kapal.route").access("${scheme}") }`,
      'proxy_pass http://kapal;',
    ]),
  ];
}

function errors(): Lines {
  return [
    "# Pages for what the edge itself answers; an app's own errors pass as they are.",
    `error_page ${pages.join(' ')} @error;`,
    ...block('location @error', ['content_by_lua_block { require("kapal.pages").serve() }']),
  ];
}
