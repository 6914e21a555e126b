import type { Lines } from './text.ts';

/**
 * One line of JSON for each request, which nginx writes: `ended` in seconds since the epoch, `durationMs`, who served it as `to` (service, pool, endpoint, and
 * the number of tries where it was not one; empty where no route was found), `status` (499: the client left before an answer) and `completion` (`OK`: the
 * client got all of it). A head that was refused has a line too.
 */
export function accessLogLines(): Lines {
  return [
    '# One line of JSON for each request, gathered and written at once. Lua says who served it, nginx all the rest: to make up a time or',
    '# a word for each line would cost more than to pass on a small answer. Seconds with three digits behind the point, times 10^3: ms.',
    ...logFormat('kapal', { remote: '$kapal_client', bytesIn: '$kapal_bytes_in' }),
    '# The same for common requests, which have no body and say who asks by themselves.',
    ...logFormat('kapal_common', { remote: '$remote_addr', bytesIn: '0' }),
    accessLog('kapal'),
    'map $content_length $kapal_bytes_in { "" 0; default $content_length; }',
  ];
}

function logFormat(name: string, { remote, bytesIn }: { readonly remote: string; readonly bytesIn: string }): Lines {
  return [
    `log_format ${name} escape=json`,
    `    '{"ended":$msec,"durationMs":\${request_time}e3,"to":"$to","requestId":"$kapal_request_id","remote":"${remote}",'`,
    `    '"host":"$http_host","request":"$request","status":$status,"bytesIn":${bytesIn},"bytesOut":$body_bytes_sent,'`,
    `    '"userAgent":"$http_user_agent","referer":"$http_referer","completion":"$request_completion"}';`,
  ];
}

/** Both formats go to one file, through one buffer. */
export function accessLog(format: 'kapal' | 'kapal_common'): string {
  return `access_log log/access.log ${format} buffer=64k flush=1s;`;
}
