import { isHost } from './names.ts';

/** Where a service answers: a host, and below which path of it. */
export interface DomainName {
  /** Lower-case; `*.example.com` matches one label. */
  readonly host: string;
  /** `/` for all, else a prefix at a segment border without a slash at its end: `/api`. */
  readonly path: string;
}

/** Visible ASCII that stands for itself in a path (RFC 3986 3.3), without percent-encoding, empty segments and dot segments. */
const PATH = /^(?:\/(?!\.{1,2}(?:\/|$))[A-Za-z0-9._~!$&'()*+,;=:@-]{1,200}){0,20}$/;

/** Reads `example.com`, `example.com/` or `example.com/api`; null for anything else. */
export function readDomain(text: string): DomainName | null {
  const slash = text.indexOf('/');
  const host = (slash === -1 ? text : text.slice(0, slash)).toLowerCase().replace(/\.$/, '');
  const path = slash === -1 ? '' : text.slice(slash).replace(/\/$/, '');
  return isHost(host) && PATH.test(path) ? { host, path: path === '' ? '/' : path } : null;
}

/** The text that reads as this domain: `example.com`, `example.com/api`. */
export function domainText({ host, path }: DomainName): string {
  return path === '/' ? host : `${host}${path}`;
}

/** Whether a name of a certificate (RFC 6125 6.4.3: a star is the whole first label, and one label) covers a host. A wildcard host is covered by itself. */
export function covers(name: string, host: string): boolean {
  if (name === host) return true;
  if (!name.startsWith('*.') || host.startsWith('*.')) return false;
  return host.slice(host.indexOf('.') + 1) === name.slice(2) && host.includes('.');
}

/** Names that mean this machine wherever they are looked up (RFC 6761 6.3): `localhost` and what is below it. */
export function isLocalName(host: string): boolean {
  return host === 'localhost' || host.endsWith('.localhost');
}
