import type { Access, AccessRule, Treatment } from './access.ts';

/** Below the working folder. */
export const frontPath = '.kapal/nginx.conf';

/** Media types by the endings of files (https://www.iana.org/assignments/media-types); all else is octets. */
const types: readonly (readonly [type: string, endings: string])[] = [
  ['text/html', 'html htm'],
  ['text/css', 'css'],
  ['text/javascript', 'js mjs'],
  ['text/plain', 'txt'],
  ['text/xml', 'xml'],
  ['text/csv', 'csv'],
  ['text/vtt', 'vtt'],
  ['application/json', 'json map'],
  ['application/manifest+json', 'webmanifest'],
  ['application/wasm', 'wasm'],
  ['application/pdf', 'pdf'],
  ['application/zip', 'zip'],
  ['application/msword', 'doc'],
  ['application/vnd.ms-excel', 'xls'],
  ['application/vnd.ms-powerpoint', 'ppt'],
  ['application/vnd.openxmlformats-officedocument.wordprocessingml.document', 'docx'],
  ['application/vnd.openxmlformats-officedocument.spreadsheetml.sheet', 'xlsx'],
  ['application/vnd.openxmlformats-officedocument.presentationml.presentation', 'pptx'],
  ['application/rss+xml', 'rss'],
  ['application/atom+xml', 'atom'],
  ['image/png', 'png'],
  ['image/jpeg', 'jpg jpeg'],
  ['image/gif', 'gif'],
  ['image/svg+xml', 'svg svgz'],
  ['image/webp', 'webp'],
  ['image/avif', 'avif'],
  ['image/x-icon', 'ico'],
  ['image/bmp', 'bmp'],
  ['font/woff', 'woff'],
  ['font/woff2', 'woff2'],
  ['font/ttf', 'ttf'],
  ['font/otf', 'otf'],
  ['application/vnd.ms-fontobject', 'eot'],
  ['audio/mpeg', 'mp3'],
  ['audio/ogg', 'ogg'],
  ['audio/wav', 'wav'],
  ['audio/mp4', 'm4a'],
  ['video/mp4', 'mp4 m4v'],
  ['video/webm', 'webm'],
  ['video/ogg', 'ogv'],
];

/**
 * The nginx of one instance, between the edge and php-fpm: files and refusals are its own, all else it hands to the socket beside it. The supervisor puts its
 * values in (`@HOST@` and the like). What the edge says of the visitor in X-Forwarded-* and X-Real-IP, which it writes itself, is told to PHP as CGI has it (RFC 3875).
 */
export function frontText(access: Access): string {
  return `${[...head, ...locations(access), '  }', '}'].join('\n')}\n`;
}

const head: readonly string[] = [
  '# Written by Kapal for every build: the nginx of one instance, before php-fpm.',
  'daemon off;',
  'worker_processes 1;',
  'pid master.pid;',
  'error_log stderr warn;',
  'events { worker_connections 1024; }',
  'http {',
  '  access_log off;',
  '  server_tokens off;',
  '  absolute_redirect off;',
  '  sendfile on;',
  '  tcp_nopush on;',
  '  keepalive_requests 100000;',
  '  client_header_buffer_size 4k;',
  '  large_client_header_buffers 8 64k;',
  // The edge has refused what is too large.
  '  client_max_body_size 0;',
  ...['client_body', 'fastcgi', 'proxy', 'scgi', 'uwsgi'].map((name) => `  ${name}_temp_path ${name};`),
  '  default_type application/octet-stream;',
  '  types {',
  ...types.map(([type, endings]) => `    ${type} ${endings};`),
  '  }',
  '  map $http_x_forwarded_proto $kapal_https { https on; default ""; }',
  '  map $http_x_forwarded_proto $kapal_scheme { https https; default http; }',
  '  map $http_x_forwarded_port $kapal_port { "~^[0-9]+$" $http_x_forwarded_port; default $server_port; }',
  '  map $http_x_real_ip $kapal_client { "" $remote_addr; default $http_x_real_ip; }',
  '  server {',
  '    listen @HOST@:@PORT@;',
  '    root "@ROOT@";',
  '    index index.php index.html;',
  '    fastcgi_buffer_size 64k;',
  '    fastcgi_buffers 16 16k;',
  '    fastcgi_busy_buffers_size 128k;',
  '    fastcgi_connect_timeout 5s;',
  // Later than php-fpm ends the script, and the edge its waiting.
  '    fastcgi_read_timeout @PATIENCE@s;',
  '    fastcgi_send_timeout @PATIENCE@s;',
  '    error_page 404 @nothing;',
];

function locations(access: Access): readonly string[] {
  const rest = access.hasFrontController ? '@front' : '@nothing';
  return [
    ...access.rules.flatMap((rule) => block(`location ${matching(rule)}`, treatments[rule.treatment](rest))),
    ...block('location /', treatments[access.otherwise](rest)),
    ...(access.hasFrontController
      ? block('location @front', [
          ...parameters({ file: '$document_root/index.php', name: '/index.php', info: '""' }),
          pass,
        ])
      : []),
    ...block('location @nothing', ['default_type "text/plain; charset=utf-8";', 'return 404 "Not Found\\n";']),
  ];
}

function block(head: string, lines: readonly string[]): readonly string[] {
  return [`    ${head} {`, ...lines.map((line) => `      ${line}`), '    }'];
}

/** In quotes nginx takes a backslash before another, or before a quote, away. */
function matching({ pattern, ignoresCase }: AccessRule): string {
  return `${ignoresCase ? '~*' : '~'} "${pattern.replaceAll('\\', '\\\\').replaceAll('"', '\\"')}"`;
}

const pass = 'fastcgi_pass unix:/proc/self/cwd/fpm.sock;';

/** Where nothing is found the request goes to `rest`. */
const treatments: { readonly [Kind in Treatment]: (rest: string) => readonly string[] } = {
  deny: () => ['return 404;'],
  hide: (rest) => [`try_files /.kapal/nothing ${rest};`],
  script: (rest) => [
    // What lies behind a link is what the service wrote, or was sent.
    'disable_symlinks on from=$document_root;',
    'fastcgi_split_path_info "^(.+?\\\\.php)(/.*)$";',
    // try_files forgets it.
    'set $kapal_info $fastcgi_path_info;',
    `try_files $fastcgi_script_name ${rest};`,
    ...parameters({ file: '$document_root$fastcgi_script_name', name: '$fastcgi_script_name', info: '$kapal_info' }),
    pass,
  ],
  file: (rest) => [`error_page 403 = ${rest};`, `try_files $uri $uri/ ${rest};`],
  look: (rest) => [`error_page 403 = ${rest};`, `try_files $uri/ ${rest};`],
};

function parameters(script: {
  readonly file: string;
  readonly name: string;
  readonly info: string;
}): readonly string[] {
  const all: readonly (readonly [name: string, value: string])[] = [
    ['SCRIPT_FILENAME', script.file],
    ['SCRIPT_NAME', script.name],
    ['PATH_INFO', script.info],
    ['DOCUMENT_URI', script.name],
    ['DOCUMENT_ROOT', '$document_root'],
    ['QUERY_STRING', '$query_string'],
    ['REQUEST_METHOD', '$request_method'],
    ['REQUEST_URI', '$request_uri'],
    ['REQUEST_SCHEME', '$kapal_scheme'],
    ['CONTENT_TYPE', '$content_type'],
    ['CONTENT_LENGTH', '$content_length'],
    ['SERVER_PROTOCOL', '$server_protocol'],
    ['SERVER_SOFTWARE', 'nginx'],
    ['SERVER_NAME', '$host'],
    ['SERVER_ADDR', '$server_addr'],
    ['SERVER_PORT', '$kapal_port'],
    ['REMOTE_ADDR', '$kapal_client'],
    ['REMOTE_PORT', '$remote_port'],
    ['GATEWAY_INTERFACE', 'CGI/1.1'],
    ['REDIRECT_STATUS', '200'],
    // A Proxy header would become the variable that HTTP clients take their proxy from (CVE-2016-5385).
    ['HTTP_PROXY', '""'],
  ];
  return [
    ...all.map(([name, value]) => `fastcgi_param ${name} ${value};`),
    'fastcgi_param HTTPS $kapal_https if_not_empty;',
  ];
}
