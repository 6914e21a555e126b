import type { EngineSettings } from './settings.ts';
import type { Lines } from './text.ts';
import { tlsUpstream } from './upstreams.ts';

/** Variables by which Lua tells nginx about a request. As maps they cost nothing until they are read, and hold for heads that were refused too. */
export function variableLines({ https }: EngineSettings): Lines {
  const port = https === null ? '' : String(https.port);
  return [
    '# What Lua may tell about a request, with what holds where it says nothing: Host, path and name for the endpoint, and who asks.',
    ...variable('host', '$http_host'),
    ...variable('target', '$request_uri'),
    ...['prefix', 'upgrade', 'tls_name', 'gzip', 'hsts'].flatMap((name) => variable(name, '""')),
    '# Who served it, for the access log. A short name: each letter costs, when Lua sets it.',
    'map "" $to { default ""; }',
    ...variable('tls_upstream', tlsUpstream),
    ...variable('client', '$remote_addr'),
    ...variable('scheme', '$scheme'),
    '# Not asked of a request at all: where a redirect to HTTPS leads.',
    ...variable('https_port', `"${port}"`),
  ];
}

function variable(name: string, value: string): Lines {
  return [`map "" $kapal_${name} { default ${value}; }`];
}
