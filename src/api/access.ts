import { createHash, timingSafeEqual } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { isIP } from 'node:net';
import { KapalError } from '../model/errors.ts';

/**
 * What a route lets its caller do. `public` needs no token and says nothing of this installation; `read` shows, `write` changes services,
 * `admin` reveals values or ends things for good.
 */
export type Policy = 'public' | 'read' | 'write' | 'admin';

/** Who asks: the local user through the Unix socket, which only that user can open, or the bearer of the token. */
export type Caller = 'local' | 'bearer' | 'nobody';

const grants: Readonly<Record<Caller, ReadonlySet<Policy>>> = {
  local: new Set<Policy>(['public', 'read', 'write', 'admin']),
  bearer: new Set<Policy>(['public', 'read', 'write', 'admin']),
  nobody: new Set<Policy>(['public']),
};

/** Throws `unauthorized` for a caller without a valid token, `forbidden` for one that may not. */
export function authorize(caller: Caller, policy: Policy): void {
  if (grants[caller].has(policy)) return;
  if (caller === 'nobody') {
    throw new KapalError('unauthorized', 'the request carries no valid token', {
      hint: 'Send Authorization: Bearer TOKEN; kapal token prints it on the machine of the daemon.',
    });
  }
  throw new KapalError('forbidden', `the caller may not do this: it needs ${policy}`);
}

/** Whether an Authorization header carries the token. Hashes are compared, so that the time taken says nothing of length or content. */
export function bearsToken(header: string | undefined, token: string): boolean {
  const sent = /^Bearer +([^\s]+)$/i.exec(header ?? '')?.[1];
  return sent !== undefined && isToken(sent, token);
}

/** The same for programs that know passwords only (RFC 7617): the token is the password, and any user name will do. */
export function hasPassword(header: string | undefined, token: string): boolean {
  const sent = /^Basic +([A-Za-z0-9+/=]+)$/i.exec(header ?? '')?.[1];
  if (sent === undefined) return false;
  const pair = Buffer.from(sent, 'base64').toString('utf8');
  const colon = pair.indexOf(':');
  return colon !== -1 && isToken(pair.slice(colon + 1), token);
}

function isToken(sent: string, token: string): boolean {
  return timingSafeEqual(digest(sent), digest(token));
}

function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}

/**
 * Refuses a request over TCP whose Host is not an address of ours: a page of another site whose name was rebound to 127.0.0.1 would
 * otherwise be same-origin with this API. `listening` is the configured host; where that is every interface, any IP address is ours,
 * because an address cannot be rebound.
 */
export function checkHost(header: string | undefined, listening: string): void {
  const host = hostOf(header ?? '');
  if (host !== null && isOurs(host, listening.toLowerCase())) return;
  throw new KapalError('forbidden', `the API does not answer at the host name ${JSON.stringify(header ?? '')}`, {
    hint: 'Reach it by its address, such as 127.0.0.1, or as localhost.',
  });
}

function isOurs(host: string, listening: string): boolean {
  if (host === 'localhost' || host === listening || isLoopback(host)) return true;
  return (listening === '0.0.0.0' || listening === '::') && isIP(host) !== 0;
}

function isLoopback(host: string): boolean {
  return host === '::1' || (isIP(host) === 4 && host.startsWith('127.'));
}

/** The host part of a Host header, lower-case, brackets removed (RFC 9110, 7.2); null where there is none. */
function hostOf(header: string): string | null {
  const [, bracketed, plain] = /^(?:\[([0-9a-f:.]+)\]|([a-z0-9._-]+))(?::\d+)?$/i.exec(header) ?? [];
  return (bracketed ?? plain)?.toLowerCase() ?? null;
}

/** Refuses changes that a page of another site asks for: browsers put the page's origin into such requests (RFC 6454). */
export function checkOrigin({ method, headers }: Pick<IncomingMessage, 'method' | 'headers'>): void {
  const { origin, host } = headers;
  if (origin === undefined || method === 'GET' || method === 'HEAD') return;
  const sender = URL.canParse(origin) ? new URL(origin).host : null;
  if (sender !== null && sender === host?.toLowerCase()) return;
  throw new KapalError('forbidden', `a page of ${origin} may not change anything here`);
}
