import { accessLogLines } from './access-log.ts';
import type { EngineSettings } from './settings.ts';
import { limits } from './limits.ts';
import { sizesFor } from './locations.ts';
import { type Lines, sections, word } from './text.ts';
import { tlsBlocks } from './upstreams.ts';

/** What holds for all servers: Lua and its memory, limits of requests, logs. */
export function commonLines(settings: EngineSettings): Lines {
  return sections(
    lua(settings),
    dictionaries(settings),
    general(),
    clients(),
    temporary(),
    compression(),
    accessLogLines(),
  );
}

function lua(settings: EngineSettings): Lines {
  const { engine, luaPath, luaCPath } = settings;
  const path = [`${engine}/lua/?.lua`, ...luaPath, ';'].join(';');
  return [
    "# Kapal's own Lua, a copy that belongs to this configuration: an upgraded checkout changes nothing that runs.",
    `lua_package_path ${word(path)};`,
    ...(luaCPath.length === 0 ? [] : [`lua_package_cpath ${word([...luaCPath, ';'].join(';'))};`]),
    '# The master fills the shared memory from state.json before the first connection; each worker then starts its timers.',
    'init_by_lua_block {',
    '    require("kapal.boot").init(ngx.config.prefix())',
    '    -- What is prepared below: listeners, blocks for upstreams over TLS, and sizes of bodies.',
    '    require("kapal.prepared").declare {',
    `        http_port = ${settings.http.port},`,
    ...(settings.https === null ? [] : [`        https_port = ${settings.https.port},`]),
    `        tls_upstreams = ${tlsBlocks},`,
    `        sizes = "${sizesFor(settings, 'other').join(' ')}",`,
    `        verified_sizes = "${sizesFor(settings, 'verified').join(' ')}",`,
    '    }',
    '}',
    'init_worker_by_lua_block {',
    '    require("kapal.boot").init_worker()',
    '    require("kapal.logs").start()',
    '}',
    '# A client that gave up is no error of ours.',
    'lua_socket_log_errors off;',
    '# Memory is not handed back to the system every 1,000 requests, to be asked for again by the next.',
    'lua_malloc_trim 0;',
  ];
}

function dictionaries({ tableMemory }: EngineSettings): Lines {
  return [
    '# Shared memory of all workers; it survives a reload. A route with its pool and three endpoints takes about 1.5 KB, a certificate',
    '# with its chain and key 4 to 8 KB: 10,000 domains with one certificate each fit. When it is full a change is refused and told:',
    '# nothing is pushed out. What of it is not used takes no memory.',
    `lua_shared_dict kapal ${tableMemory}m;`,
    '# What is counted: requests under way and reports of the workers; then buckets of rate limits, of which the oldest are let go when',
    '# there are too many clients; then connections of clients under a limit, some 100 bytes for each client.',
    'lua_shared_dict kapal_counters 16m;',
    'lua_shared_dict kapal_limits 16m;',
    'lua_shared_dict kapal_holds 8m;',
  ];
}

function general(): Lines {
  return [
    'default_type application/octet-stream;',
    '# Answers tell no version, and a path is passed on as it came: two slashes are not one.',
    'server_tokens off;',
    'merge_slashes off;',
    'absolute_redirect off;',
    '# A field whose name has an underscore or another odd character reaches CGI-like apps as the field with a hyphen: it is dropped.',
    'ignore_invalid_headers on;',
    'underscores_in_headers off;',
    '# Files go from the page cache to the socket; heads and first bytes share a packet, small answers do not wait for more.',
    'sendfile on;',
    'sendfile_max_chunk 512k;',
    'tcp_nopush on;',
    'tcp_nodelay on;',
  ];
}

function clients(): Lines {
  const { headBuffers, headBuffer } = limits;
  return [
    '# Slow clients: the whole head within 15 s, then never 60 s of silence in the body. The time of the head does not begin anew with',
    '# each byte, which is what a slowloris lives on. A connection costs 1 KiB until its head is larger.',
    `client_header_timeout ${limits.headTimeout / 1000}s;`,
    `client_body_timeout ${limits.bodyTimeout / 1000}s;`,
    `send_timeout ${limits.bodyTimeout / 1000}s;`,
    'reset_timedout_connection on;',
    'client_header_buffer_size 1k;',
    '# All that nginx notes of a usual request, in one piece of memory instead of three: a twentieth of the cost of a small request.',
    'request_pool_size 16k;',
    `large_client_header_buffers ${headBuffers} ${headBuffer / 1024}k;`,
    `client_body_buffer_size ${limits.holdSize / 1024}k;`,
    '# The size of bodies is a matter of each service: Lua looks at it.',
    'client_max_body_size 0;',
    '# What a client still sends after its answer is read for so long, else it would see a reset instead of the answer.',
    `lingering_timeout ${limits.lingerTimeout / 1000}s;`,
    'lingering_time 10s;',
    '# Browsers keep connections open; the edge keeps them longer than most load balancers before it do (60 s).',
    `keepalive_timeout ${limits.keepAliveTimeout / 1000}s;`,
    `keepalive_requests ${limits.requestsPerConnection};`,
    'keepalive_time 1h;',
    `http2_max_concurrent_streams ${limits.streams};`,
  ];
}

function temporary(): Lines {
  const kinds = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'];
  return [
    '# Bodies that are too large for memory; only the first two are ever used.',
    ...kinds.map((kind) => `${kind}_temp_path temp/${kind};`),
  ];
}

function compression(): Lines {
  return [
    '# Compression is a policy of each service: places that compress are asked for by Lua. Text only, and only what is worth it.',
    'gzip off;',
    'gzip_comp_level 5;',
    '# Lua decides about type and length (kapal.policy.compression) and tells nginx by the Accept-Encoding that it sees.',
    'gzip_types *;',
    'gzip_min_length 0;',
    'gzip_proxied any;',
    'gzip_vary off;',
    'gzip_http_version 1.1;',
  ];
}
