import { createHash, createHmac } from 'node:crypto';
import type { Sticky } from '../../pool.ts';

const bytes = 16;

/** `ID.SIGNATURE` of an endpoint, as `Sticky` describes it: both in lower-case hex, the signature over the text of ID. */
export function stickyValue(endpoint: string, key: string): string {
  const id = createHash('sha256')
    .update(endpoint)
    .digest('hex')
    .slice(0, 2 * bytes);
  const signature = createHmac('sha256', Buffer.from(key, 'hex'))
    .update(id)
    .digest('hex')
    .slice(0, 2 * bytes);
  return `${id}.${signature}`;
}

/** All values of one cookie among the field lines of a request, in the order in which they were sent. */
export function cookieValues(fields: string, name: string): string[] {
  const values: string[] = [];
  for (const [, line = ''] of fields.matchAll(/(?:^|\n)cookie:([^\r\n]*)/gi)) {
    for (const pair of line.split(';')) {
      const equals = pair.indexOf('=');
      if (equals !== -1 && pair.slice(0, equals).trim() === name) values.push(pair.slice(equals + 1).trim());
    }
  }
  return values;
}

/** The field line that hands a visitor to an endpoint, with its CRLF. */
export function stickyLine({ cookie, maxAge }: Sticky, value: string, secure: boolean): string {
  const age = maxAge === undefined ? '' : `; Max-Age=${maxAge}`;
  return `Set-Cookie: ${cookie}=${value}; Path=/${age}; HttpOnly; SameSite=Lax${secure ? '; Secure' : ''}\r\n`;
}
