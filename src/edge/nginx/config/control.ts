import { block, type Lines } from './text.ts';

/** The socket through which the daemon changes what is served. `digest` tells which configuration answers. */
export function controlLines(digest: string): Lines {
  return [
    '# Changes and questions of the daemon: its folder is closed to everybody else (0700), so no password is needed. A change is a',
    '# few entries of shared memory.',
    ...block('server', [
      'listen unix:control/nginx.sock backlog=64;',
      'server_name _;',
      'access_log off;',
      'keepalive_timeout 60s;',
      'client_max_body_size 256m;',
      '# A whole table of thousands of routes, in memory.',
      'client_body_buffer_size 8m;',
      'gzip off;',
      ...block('location = /configuration', [`return 200 ${digest};`]),
      ...block('location /', ['content_by_lua_block { require("kapal.control").serve() }']),
    ]),
  ];
}
