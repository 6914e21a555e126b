import { acceptsCoding } from '../encodings.ts';
import type { RequestHead } from '../http/request-head.ts';
import type { ResponseHead } from '../http/response-head.ts';
import { changed, fieldOf } from './field-lines.ts';

/** Below it the coding costs more than it saves. Bytes. */
const least = 1024;
const compressible =
  /^(?:text\/(?!event-stream\b)[\w.+-]+|application\/(?:json|javascript|x-javascript|ecmascript|xml|xhtml\+xml|wasm|manifest\+json|[\w.-]+\+(?:json|xml))|image\/svg\+xml)$/;

/**
 * Changes the head of an answer that can be sent with gzip, and answers whether its body is to be. Vary is there also for clients that do not take
 * gzip, or a cache would give them what others got. A compressed answer is another representation: its length is not known, its
 * ETag is weak (RFC 9110 8.8.1), parts of it cannot be asked for.
 */
export function compressed(head: ResponseHead, request: RequestHead): boolean {
  if (!isCompressible(head)) return false;
  const vary = fieldOf(head.fields, 'vary');
  const named = vary !== null && /(?:^|,)\s*(?:\*|accept-encoding)\s*(?:,|$)/i.test(vary);
  if (!named) head.fields += 'Vary: Accept-Encoding\r\n';
  // HTTP/1.0 knows no chunks: its connection would have to end with every answer.
  if (request.minor === 0 || !acceptsCoding(fieldOf(request.fields, 'accept-encoding'), 'gzip')) return false;
  const etag = fieldOf(head.fields, 'etag');
  head.fields = changed(head.fields, [
    { name: 'accept-ranges', value: null },
    ...(etag?.startsWith('"') === true ? [{ name: 'etag', value: `W/${etag}` }] : []),
  ]);
  head.fields += 'Content-Encoding: gzip\r\n';
  head.contentLength = -1;
  return true;
}

function isCompressible({ status, contentLength, fields }: ResponseHead): boolean {
  if (status < 200 || status === 204 || status === 205 || status === 206 || status === 304) return false;
  if (contentLength !== -1 && contentLength < least) return false;
  const type = fieldOf(fields, 'content-type')?.split(';', 1)[0]?.trim().toLowerCase() ?? '';
  if (!compressible.test(type)) return false;
  if (fieldOf(fields, 'content-encoding') !== null || fieldOf(fields, 'content-range') !== null) return false;
  return !/(?:^|,)\s*no-transform\s*(?:,|$)/i.test(fieldOf(fields, 'cache-control') ?? '');
}
