import { startSocket } from '../folder.ts';
import { block, type Lines, sections } from './text.ts';

/**
 * What differs from one start of a master to the next, in a file of its own beside nginx.conf. With the name of the start, `[a-z0-9]+`, and the number of the
 * connection, which all workers of a master and those after a reload count together, an id is as unique as `$request_id`, whose random bytes are a tenth of
 * the cost of a small request.
 */
export function runLines(start: string): Lines {
  const made = `${start}-$connection-$connection_requests`;
  return sections(
    block('map $http_x_request_id $kapal_request_id', [
      `'' ${made};`,
      "'~^[A-Za-z0-9.-]{8,64}$' $http_x_request_id;",
      `default ${made};`,
    ]),
    block('server', [
      `listen unix:control/${startSocket(start)};`,
      'server_name _;',
      'access_log off;',
      ...block('location = /status', ['content_by_lua_block { require("kapal.control").serve() }']),
    ]),
  );
}
