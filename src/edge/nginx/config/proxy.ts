import { runFile } from '../folder.ts';
import { limits } from './limits.ts';
import type { EngineSettings } from './settings.ts';
import { type Lines, sections, word } from './text.ts';

const hopByHop = [
  'Expect',
  'HTTP2-Settings',
  'Keep-Alive',
  'Proxy',
  'Proxy-Authenticate',
  'Proxy-Authorization',
  'Proxy-Connection',
  'TE',
  'Trailer',
];

/** How requests are passed on; at the level of http, so that all locations share it. */
export function proxyLines(settings: EngineSettings): Lines {
  return sections(connections(), fields(settings), buffers(), upstreamTls(settings));
}

function connections(): Lines {
  return [
    '# Without these two lines nginx speaks HTTP/1.0 to upstreams and connects anew for each request: a quarter of the throughput.',
    'proxy_http_version 1.1;',
    'proxy_set_header Connection $kapal_connection;',
    '# An upgrade (WebSocket) that Lua has found sound is passed on; else the connection is kept.',
    'map $kapal_upgrade $kapal_connection {',
    "    '' '';",
    '    default upgrade;',
    '}',
    'proxy_set_header Upgrade $kapal_upgrade;',
    `proxy_connect_timeout ${limits.connectTimeout}ms;`,
    '# Times of a service are set by Lua for each request; this is what holds where it says nothing.',
    'proxy_read_timeout 300s;',
    'proxy_send_timeout 300s;',
    '# Only what failed before it was sent, or is safe to repeat (RFC 9110 9.2.2); how often and where is decided in Lua.',
    'proxy_next_upstream error timeout invalid_header;',
    'proxy_socket_keepalive on;',
  ];
}

function fields({ https }: EngineSettings): Lines {
  return [
    '# Who asks is said by the edge alone: what a client claims about itself is replaced. Lua changes the variables where a proxy is trusted.',
    'proxy_set_header Host $kapal_host;',
    'proxy_set_header X-Forwarded-For $kapal_client;',
    'proxy_set_header X-Forwarded-Proto $kapal_scheme;',
    'proxy_set_header X-Forwarded-Host $http_host;',
    'proxy_set_header X-Forwarded-Port $kapal_port;',
    'proxy_set_header X-Forwarded-Prefix $kapal_prefix;',
    'proxy_set_header X-Real-IP $kapal_client;',
    'proxy_set_header Forwarded "for=$kapal_node;host=\\"$http_host\\";proto=$kapal_scheme";',
    'proxy_set_header X-Request-Id $kapal_request_id;',
    '# The port that the client sees, and its address as RFC 7239 writes it.',
    'map "$kapal_scheme://$http_host" $kapal_port {',
    "    '~:(?<kapal_named_port>[0-9]+)$' $kapal_named_port;",
    "    '~^https:' 443;",
    '    default 80;',
    '}',
    'map $kapal_client $kapal_node {',
    "    '~:' '\"[$kapal_client]\"';",
    '    default $kapal_client;',
    '}',
    '# The same for common requests, of which Lua says nothing.',
    ...(https === null ? [] : ['map $scheme $kapal_usual_port { https 443; default 80; }']),
    'map $remote_addr $kapal_own_node {',
    "    '~:' '\"[$remote_addr]\"';",
    '    default $remote_addr;',
    '}',
    '# Fields of the connection between client and edge, not of the request (RFC 9110 7.6.1).',
    ...hopByHop.map((name) => `proxy_set_header ${name} "";`),
    "# The id of the request: the client's where it is one, else one of this start, connection and request; the answer has it too.",
    `include ${runFile};`,
    'proxy_hide_header X-Request-Id;',
    'add_header X-Request-Id $kapal_request_id always;',
    '# The app may name its Server and Date itself.',
    'proxy_pass_header Server;',
    'proxy_pass_header Date;',
    'proxy_redirect off;',
    '# By these an app could tell nginx what to do, and with X-Accel-Redirect read any file that the workers can.',
    'proxy_ignore_headers X-Accel-Redirect X-Accel-Expires X-Accel-Limit-Rate X-Accel-Buffering X-Accel-Charset;',
  ];
}

/** The fields of a common request: of nginx's own variables, without the maps by which Lua could say otherwise. */
export function commonFieldLines({ http, https }: EngineSettings): Lines {
  const isPlain = !http.host.includes(':') && https?.host.includes(':') !== true;
  const said = {
    'X-Forwarded-For': '$remote_addr',
    'X-Forwarded-Proto': '$scheme',
    'X-Forwarded-Host': '$http_host',
    'X-Forwarded-Port': '$kapal_own_port',
    'X-Real-IP': '$remote_addr',
    Forwarded: `for=${isPlain ? '$remote_addr' : '$kapal_own_node'};host=\\"$http_host\\";proto=$scheme`,
    'X-Request-Id': '$kapal_request_id',
  };
  const lines = Object.entries(said).map(([name, value]) => `\\r\\n${name}: ${value}`);
  const taken = [...Object.keys(said), ...hopByHop, 'Connection', 'Upgrade', 'X-Forwarded-Prefix'];
  return [
    '# All that is said in one field, for nginx makes one long value in less time than eight short ones; what a client sends under these',
    '# names is taken off.',
    `proxy_set_header Host "$http_host${lines.join('')}";`,
    ...taken.map((name) => `proxy_set_header ${name} "";`),
    'add_header X-Request-Id $kapal_request_id always;',
    ...(https === null
      ? []
      : [
          '# Empty but where the service asks for it, and then not sent.',
          'add_header Strict-Transport-Security $kapal_hsts always;',
        ]),
  ];
}

function buffers(): Lines {
  return [
    '# Small bodies are read whole first: a slow sender then holds no place at an endpoint, and the request can be repeated.',
    'proxy_request_buffering on;',
    '# Answers pass as they come (server-sent events need that), through memory alone: a slow reader slows its upstream, not the disk.',
    'proxy_buffering off;',
    'proxy_buffer_size 16k;',
    'proxy_buffers 4 16k;',
    'proxy_max_temp_file_size 0;',
  ];
}

function upstreamTls({ authorities }: EngineSettings): Lines {
  const file = authorities?.kind === 'file' ? authorities.path : 'certificates/placeholder.pem';
  return [
    '# Upstreams over TLS: the name that is asked for (SNI) is also the one that the certificate has to hold, where it is verified.',
    'proxy_ssl_server_name on;',
    'proxy_ssl_name $kapal_tls_name;',
    'proxy_ssl_protocols TLSv1.2 TLSv1.3;',
    'proxy_ssl_verify_depth 5;',
    '# nginx would keep one session for each upstream block and offer it to every endpoint in it.',
    'proxy_ssl_session_reuse off;',
    ...(authorities === null
      ? ['# This machine has no list of authorities that it trusts: nothing is verified, so what has to be is refused.']
      : []),
    `proxy_ssl_trusted_certificate ${word(file)};`,
    ...(authorities?.kind === 'folder' ? folderOfAuthorities(authorities.path) : []),
  ];
}

/** `VerifyCAPath` of SSL_CONF_cmd(3): OpenSSL then does not look at the certificates of proxy_ssl_trusted_certificate, without which nginx does not start. */
function folderOfAuthorities(path: string): Lines {
  return [
    '# Authorities are looked up when one is needed, in a folder where OpenSSL finds them by name. From a file nginx would read all of',
    '# them, for each place below that verifies: 20 ms of processor time each. OpenSSL does not look at the file above any more.',
    `proxy_ssl_conf_command VerifyCAPath ${word(path)};`,
  ];
}
