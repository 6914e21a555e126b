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
    'log_format kapal escape=json',
    // biome-ignore lint/suspicious/noTemplateCurlyInString: this is how nginx parts a variable from the letters behind it
    '    \'{"ended":$msec,"durationMs":${request_time}e3,"to":"$to","requestId":"$kapal_request_id","remote":"$kapal_client",\'',
    '    \'"host":"$http_host","request":"$request","status":$status,"bytesIn":$kapal_bytes_in,"bytesOut":$body_bytes_sent,\'',
    '    \'"userAgent":"$http_user_agent","referer":"$http_referer","completion":"$request_completion"}\';',
    '# The same for common requests, which have no body and say who asks by themselves.',
    'log_format kapal_common escape=json',
    // biome-ignore lint/suspicious/noTemplateCurlyInString: as above
    '    \'{"ended":$msec,"durationMs":${request_time}e3,"to":"$to","requestId":"$kapal_request_id","remote":"$remote_addr",\'',
    '    \'"host":"$http_host","request":"$request","status":$status,"bytesIn":0,"bytesOut":$body_bytes_sent,\'',
    '    \'"userAgent":"$http_user_agent","referer":"$http_referer","completion":"$request_completion"}\';',
    accessLog('kapal'),
    'map $content_length $kapal_bytes_in { "" 0; default $content_length; }',
  ];
}

/** Both formats go to one file, through one buffer. */
export function accessLog(format: 'kapal' | 'kapal_common'): string {
  return `access_log log/access.log ${format} buffer=64k flush=1s;`;
}
