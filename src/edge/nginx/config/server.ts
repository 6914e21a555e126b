import type { SocketAddress } from '../address.ts';
import { formatAddress } from '../address.ts';
import type { EngineSettings } from './settings.ts';
import { accessLog } from './access-log.ts';
import { closely, preparedLines } from './locations.ts';
import { commonFieldLines } from './proxy.ts';
import { tlsLines } from './tls.ts';
import { block, type Lines, sections } from './text.ts';

/** Statuses with a page of the edge; those from 495 on are nginx's own for refused heads. */
const pages = [
  400, 401, 403, 404, 405, 408, 411, 412, 413, 414, 415, 416, 417, 421, 429, 431, 495, 496, 497, 500, 501, 502, 503,
  504, 505, 507,
];

/** With which common requests leave for a closer look: where nginx itself could not ask their endpoint, or got no answer. */
const leaving = [500, 502, 504];

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
        ...(https === null ? [] : [tlsLines()]),
        routing(settings),
      ),
    ),
  ];
}

function listen(address: SocketAddress, kind: string): string {
  const v6only = address.host.includes(':') ? (address.host === '::' ? ' ipv6only=off' : ' ipv6only=on') : '';
  return `listen ${formatAddress(address)}${kind} default_server reuseport backlog=4096 so_keepalive=60s:10s:6${v6only};`;
}

function acmeOnly({ https }: EngineSettings): Lines {
  if (https === null) return [];
  return [
    '# A connection on which an authority looks at the certificate of a challenge serves nothing else (RFC 8737 3).',
    'if ($ssl_alpn_protocol = acme-tls/1) { return 444; }',
  ];
}

function routing(settings: EngineSettings): Lines {
  return sections(main(settings), errors(), preparedLines(settings));
}

function main(settings: EngineSettings): Lines {
  return [
    '# The common request, most of all: nginx builds what it sends from variables of its own, then balancer_by_lua looks host and path up,',
    '# and where nothing more is asked for (no policy, no TLS to the endpoint, no trouble there) names the endpoint. That is all: each',
    '# phase in Lua costs a tenth of a small request. Every other request leaves for @careful: what may have a body before nginx begins',
    '# to read it, for its size is limited by the service (418); the rest from the balancer, or when its endpoint fails (500 and more).',
    ...block('location /', [
      "# The port that the client sees: the usual one without a port in Host, else the listener's, or Lua sends it to @careful. No map: a",
      '# regular expression would cost as much as ten fields.',
      'set $kapal_own_port $server_port;',
      `if ($http_host = $host) { set $kapal_own_port ${settings.https === null ? '80' : '$kapal_usual_port'}; }`,
      'if ($request_method != GET) { return 418; }',
      ...['content_length', 'http_transfer_encoding', ...(settings.https === null ? [] : ['http2'])].map(
        (name) => `if ($${name}) { return 418; }`,
      ),
      `error_page 418 ${leaving.join(' ')} = @careful;`,
      ...errorPages(pages.filter((status) => !leaving.includes(status))),
      ...commonFieldLines(settings),
      accessLog('kapal_common'),
      'proxy_pass http://kapal;',
    ]),
    '# Host and path are looked up first, policies applied, and the pool found; when the head of the answer goes out it is looked at.',
    ...block('location @careful', [
      ...acmeOnly(settings),
      'access_by_lua_block { kapal.access(ngx.var.scheme) }',
      closely,
      'proxy_pass http://kapal;',
    ]),
  ];
}

function errors(): Lines {
  return [
    "# Pages for what the edge itself answers; an app's own errors pass as they are.",
    '# Not a named location: a head that is refused early has no path yet, which those need. No client can ask for this one, for',
    '# nginx resolves the dots of what is asked.',
    ...errorPages(pages),
    '# A request that has to wait for a place at another endpoint goes on from there, and may fail again.',
    'recursive_error_pages on;',
    ...block('location = /../error', ['internal;', closely, 'content_by_lua_block { require("kapal.pages").serve() }']),
  ];
}

function errorPages(statuses: readonly number[]): Lines {
  return [
    `error_page ${statuses.join(' ')} /../error;`,
    '# nginx has a status of its own for heads that are too large, and would make it 400.',
    'error_page 494 =431 /../error;',
  ];
}
