import type { SocketAddress } from '../address.ts';
import { formatAddress } from '../address.ts';
import type { EngineSettings } from './settings.ts';
import { preparedLines } from './locations.ts';
import { tlsLines } from './tls.ts';
import { block, type Lines, sections } from './text.ts';

/** Statuses with a page of the edge; those from 495 on are nginx's own for refused heads. */
const pages = [
  400, 401, 403, 404, 405, 408, 411, 412, 413, 414, 415, 416, 417, 421, 429, 431, 495, 496, 497, 500, 501, 502, 503,
  504, 505, 507,
];

/** The public server: one for both listeners and for every host. */
export function serverLines(settings: EngineSettings): Lines {
  const { http, https } = settings;
  return [
    '# Every host, over plain HTTP and HTTPS: routes are data, so there is no server block per domain.',
    ...block(
      'server',
      sections(
        [
          '# Each worker has sockets of its own, between which the kernel spreads connections; 4,096 may wait while all are busy. A client',
          '# that is gone without a word (a phone in a tunnel) is noticed after two minutes (so_keepalive).',
          listen(http, ''),
          ...(https === null ? [] : [listen(https, ' ssl http2')]),
          'server_name _;',
        ],
        ...(https === null ? [] : [tlsLines(), acmeOnly()]),
        routing(settings),
      ),
    ),
  ];
}

function listen(address: SocketAddress, kind: string): string {
  const v6only = address.host.includes(':') ? (address.host === '::' ? ' ipv6only=off' : ' ipv6only=on') : '';
  return `listen ${formatAddress(address)}${kind} default_server reuseport backlog=4096 so_keepalive=60s:10s:6${v6only};`;
}

function acmeOnly(): Lines {
  return [
    '# A connection on which an authority looks at the certificate of a challenge serves nothing else (RFC 8737 3).',
    'if ($ssl_alpn_protocol = acme-tls/1) { return 444; }',
  ];
}

function routing(settings: EngineSettings): Lines {
  return sections(main(), errors(), preparedLines(settings));
}

function main(): Lines {
  return [
    '# Every request: host and path are looked up, policies applied, and the pool found; then nginx passes it on as from any',
    '# hand-written site. When the head of the answer goes out, and when all is over, the endpoint is judged and counted.',
    'header_filter_by_lua_block { require("kapal.route").answered() }',
    'log_by_lua_block { require("kapal.log").done() }',
    ...block('location /', [
      'access_by_lua_block { require("kapal.route").access(ngx.var.scheme) }',
      'proxy_pass http://kapal;',
    ]),
  ];
}

function errors(): Lines {
  return [
    "# Pages for what the edge itself answers; an app's own errors pass as they are.",
    '# Not a named location: a head that is refused early has no path yet, which those need. No client can ask for this one, for',
    '# nginx resolves the dots of what is asked.',
    `error_page ${pages.join(' ')} /../error;`,
    '# nginx has a status of its own for heads that are too large, and would make it 400.',
    'error_page 494 =431 /../error;',
    '# A request that has to wait for a place at another endpoint goes on from there, and may fail again.',
    'recursive_error_pages on;',
    ...block('location = /../error', ['internal;', 'content_by_lua_block { require("kapal.pages").serve() }']),
  ];
}
