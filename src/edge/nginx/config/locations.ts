import { block, type Lines, sections } from './text.ts';

/** Bodies of unknown length are held to the largest of these that the service's limit allows: nginx counts them itself while they pass. */
const bodyClasses = ['1m', '4m', '10m', '16m', '64m', '100m', '256m', '1g', '4g', '16g'];

/**
 * Ways to speak to an endpoint, as the names of the locations begin. nginx reads the list of
 * authorities again for each location that verifies (20 ms and 1 MB), which is one reason why both listeners share one server. Those over TLS have an upstream block of their own (upstreams.ts).
 */
const ways = [
  { name: 'plain', pass: 'http://kapal$kapal_target', more: [] },
  { name: 'verified', pass: 'https://kapal_tls$kapal_target', more: ['proxy_ssl_verify on;'] },
  { name: 'tls', pass: 'https://kapal_tls$kapal_target', more: [] },
];

/** What cannot come from variables: a location for each case, to which Lua sends a request that needs it. The common request needs none. */
export function preparedLines(): Lines {
  return sections(
    [
      '# Prepared places. The name says how the endpoint is spoken to (plain HTTP; TLS with its certificate verified, or on request not)',
      '# and how the body goes: held in memory, so that it can be sent again elsewhere; as it comes, of a length that Lua has looked at',
      '# (any); as it comes, of a length that nobody knows yet, which nginx holds to the limit; and whether the answer is compressed.',
      ...ways.flatMap((way) =>
        ['memory', 'any', ...bodyClasses].flatMap((body) => [proxied(way, body, ''), proxied(way, body, '-gzip')]),
      ),
    ],
    [
      '# Files of static pools. Lua has found the file, opened it safely (no link leads out of the folder) and said what it is; nginx',
      '# sends it under the name that its descriptor has.',
      ...['', '-gzip'].flatMap(files),
    ],
  );
}

/** On one line: there are many, and they differ in a word or two. */
function proxied(way: (typeof ways)[number], body: string, gzip: string): string {
  const directives = [...bodyOf(body), ...way.more, ...(gzip === '' ? [] : ['gzip on;']), `proxy_pass ${way.pass};`];
  return `location @${way.name}-${body}${gzip} { ${directives.join(' ')} }`;
}

function bodyOf(body: string): string[] {
  if (body === 'memory') return [];
  return ['proxy_request_buffering off;', ...(body === 'any' ? [] : [`client_max_body_size ${body};`])];
}

function files(gzip: string): Lines {
  return block(`location @file${gzip}`, [
    ...(gzip === '' ? [] : ['gzip on;']),
    'root /proc/self/fd;',
    'etag off;',
    'if_modified_since off;',
    'log_not_found off;',
    ...block('header_filter_by_lua_block', [
      'require("kapal.static").opened(require("kapal.request").current())',
      'require("kapal.route").answered()',
    ]),
  ]);
}
