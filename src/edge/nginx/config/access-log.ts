import type { Lines } from './text.ts';

/**
 * One line of JSON for each request, with the same fields as the embedded engine's (src/edge/embedded/access-log.ts), so that one reader serves both. nginx
 * writes it; what only Lua knows comes by variables, which are set when the request is over. Where the embedded engine says null, an empty text stands
 * here; `outcome` knows `complete` and `client-gone`: nginx does not tell that an endpoint broke off in the middle of an answer.
 */
export function accessLogLines(): Lines {
  return [
    '# One line of JSON for each request, gathered and written at once. Seconds with three digits behind the point, times 10^3: milliseconds.',
    'log_format kapal escape=json',
    '    \'{"time":"$kapal_time","service":"$kapal_service","pool":"$kapal_pool","requestId":"$kapal_request_id","remote":"$kapal_client",\'',
    '    \'"host":"$http_host","method":"$request_method","target":"$request_uri","protocol":"$server_protocol","status":$kapal_status,\'',
    // biome-ignore lint/suspicious/noTemplateCurlyInString: this is how nginx parts a variable from the letters behind it
    '    \'"bytesIn":$kapal_bytes_in,"bytesOut":$body_bytes_sent,"durationMs":${request_time}e3,"upstream":"$kapal_upstream",\'',
    '    \'"attempts":$kapal_attempts,"userAgent":"$http_user_agent","referer":"$http_referer","outcome":"$kapal_outcome"}\';',
    'access_log log/access.log kapal buffer=64k flush=1s;',
    '# A head that was refused has no beginning that Lua saw: then it is the end that is logged.',
    'map "" $kapal_time { default $time_iso8601; }',
    ...['service', 'pool', 'upstream'].map((name) => `map "" $kapal_${name} { default ""; }`),
    'map $kapal_upstream $kapal_attempts { "" 0; default 1; }',
    'map $content_length $kapal_bytes_in { "" 0; default $content_length; }',
    '# 0: the client left before an answer.',
    'map $status $kapal_status { 499 0; default $status; }',
    'map $request_completion $kapal_outcome { OK complete; default client-gone; }',
  ];
}
