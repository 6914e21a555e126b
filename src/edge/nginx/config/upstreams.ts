import { limits } from './limits.ts';
import { block, type Lines, sections } from './text.ts';

/** Blocks for upstreams over TLS, each for one name at a time: so many names are spoken to over connections that stay open. */
export const tlsBlocks = 16;

/** The name of the block for upstreams over TLS that keeps nothing; with `_1` and so on behind it, those that do. */
export const tlsUpstream = 'kapal_tls';

/** Never asked. Being down it does not count as a try, so that a request that leaves from the balancer is not sent back to it. */
const nobody = 'server 0.0.0.1 down;';
const choose = 'balancer_by_lua_block { kapal.choose() }';

/**
 * The upstreams: where a request goes is decided in Lua when it goes. One block for plain HTTP; those over TLS have others, because nginx
 * keeps idle connections by address alone, and one that was verified must never serve a request that asked for another name or none.
 */
export function upstreamLines(): Lines {
  return sections(
    [
      '# One upstream for all services. The server in it is never asked: balancer_by_lua names the endpoint, from shared memory, for',
      '# each request and each repeat.',
      ...block('upstream kapal', [
        nobody,
        choose,
        '# After the balancer. Idle connections end after 1.5 s, before any common app server ends its side (gunicorn 2 s, Node 5 s):',
        '# a POST on a connection that closes at that moment could not be repeated.',
        ...keepalive(limits.upstreamIdle),
      ]),
    ],
    [
      '# Over TLS, for names that have none of the blocks below: nothing is kept.',
      ...block(`upstream ${tlsUpstream}`, [nobody, choose]),
    ],
    [
      '# nginx keeps idle connections by address alone, and would hand one that was made for another name to the next request. So Lua',
      '# gives each name, verified or not, one of these for itself, and to another only when nothing of it can be left (kapal.secure).',
      ...Array.from({ length: tlsBlocks }, (_, index) => tlsBlock(index + 1)),
    ],
  );
}

/** On one line: they differ in a number. */
function tlsBlock(number: number): string {
  return `upstream ${tlsUpstream}_${number} { ${nobody} ${choose} ${keepalive(limits.secureUpstreamIdle).join(' ')} }`;
}

function keepalive(connections: number): string[] {
  return [
    `keepalive ${connections};`,
    `keepalive_timeout ${limits.upstreamIdleTimeout}ms;`,
    'keepalive_requests 100000;',
  ];
}
