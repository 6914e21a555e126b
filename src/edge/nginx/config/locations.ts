import type { EngineSettings } from './settings.ts';
import { block, type Lines, sections } from './text.ts';

/**
 * A body whose length is not told is counted by nginx itself while it passes, and refused above the size of its location: the service's limit, or
 * the next of these sizes above it. Those that people write are among them.
 */
const bodySizes = [
  '1k 4k 16k 64k 128k 256k 512k',
  '1m 2m 3m 4m 5m 6m 8m 10m 12m 15m 16m 20m 25m 30m 32m 40m 50m 64m 75m 80m 100m 128m 150m 200m 250m 256m 300m 400m 500m 512m 750m',
  '1g 2g 3g 4g 5g 8g 10g 16g 20g 32g 50g 64g 100g',
].flatMap((line) => line.split(' '));

/** Where the authorities are one file, each place that verifies takes nginx 20 ms at its start: then these are all there are for it. */
const fewBodySizes = ['64k', '1m', '5m', '10m', '20m', '50m', '100m', '250m', '512m', '1g', '4g', '16g', '100g'];

/** The sizes for endpoints of which nothing, or something, is verified. */
export function sizesFor({ authorities }: EngineSettings, way: 'verified' | 'other'): readonly string[] {
  return way === 'verified' && authorities?.kind === 'file' ? fewBodySizes : bodySizes;
}

const judged = 'log_by_lua_block { kapal.done() }';

/** Everywhere but at common requests (server.ts): an endpoint's answer is looked at before it goes out, and the endpoint judged when the request is over. */
export const closely = `header_filter_by_lua_block { kapal.answered() } ${judged}`;

/** Ways to speak to an endpoint, as the names of the locations begin. Those over TLS have upstream blocks of their own (upstreams.ts). */
const ways = [
  { name: 'plain', sizes: 'other', pass: 'http://kapal$kapal_target', more: [] },
  {
    name: 'verified',
    sizes: 'verified',
    pass: 'https://$kapal_tls_upstream$kapal_target',
    more: ['proxy_ssl_verify on;'],
  },
  { name: 'tls', sizes: 'other', pass: 'https://$kapal_tls_upstream$kapal_target', more: [] },
] as const;

/** What cannot come from variables: a location for each case, to which Lua sends a request that needs it. The common request needs none. */
export function preparedLines(settings: EngineSettings): Lines {
  return sections(
    [
      '# Prepared places. The name says how the endpoint is spoken to (plain HTTP; TLS with its certificate verified, or on request not)',
      '# and how the body goes: held in memory, so that it can be sent again elsewhere; as it comes, of a length that Lua has looked at',
      '# (any); as it comes, of a length that nobody knows yet, which nginx holds to a size. The answer is compressed where Lua says so.',
      ...ways.flatMap((way) => ['memory', 'any', ...sizesFor(settings, way.sizes)].map((body) => proxied(way, body))),
    ],
    [
      '# Files of static pools. Lua has found the file, opened it safely (no link leads out of the folder) and said what it is; nginx',
      '# sends it under the name that its descriptor has.',
      ...['', '-gzip'].flatMap(files),
    ],
  );
}

/** On one line: there are many, and they differ in a word or two. */
function proxied(way: (typeof ways)[number], body: string): string {
  const directives = [
    ...bodyOf(body),
    ...way.more,
    closely,
    'if ($kapal_gzip) { gzip on; }',
    `proxy_pass ${way.pass};`,
  ];
  return `location @${way.name}-${body} { ${directives.join(' ')} }`;
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
      'kapal.answered()',
    ]),
    judged,
  ]);
}
