import { limits } from './limits.ts';
import { block, type Lines, sections } from './text.ts';

/**
 * The upstreams: where a request goes is decided in Lua when it goes. One block for plain HTTP; those over TLS have one of their own, because nginx
 * keeps idle connections by address alone, and one that was verified must never serve a request that asked for another name or none.
 */
export function upstreamLines(): Lines {
  return sections(
    [
      '# One upstream for all services. The server in it is never asked: balancer_by_lua names the endpoint, from shared memory, for',
      '# each request and each repeat.',
      ...block('upstream kapal', [
        'server 0.0.0.1;',
        'balancer_by_lua_block { require("kapal.balance").choose() }',
        '# After the balancer. Idle connections end after 1.5 s, before any common app server ends its side (gunicorn 2 s, Node 5 s):',
        '# a POST on a connection that closes at that moment could not be repeated.',
        ...keepalive(),
      ]),
    ],
    [
      '# Over TLS. No idle connections: nginx would hand one that was made for another name to the next request.',
      ...block('upstream kapal_tls', [
        'server 0.0.0.1;',
        'balancer_by_lua_block { require("kapal.balance").choose() }',
      ]),
    ],
  );
}

function keepalive(): Lines {
  return [
    `keepalive ${limits.upstreamIdle};`,
    `keepalive_timeout ${limits.upstreamIdleTimeout}ms;`,
    'keepalive_requests 100000;',
  ];
}
