import { isHost } from '../../model/names.ts';
import { shown } from '../report.ts';
import { expectation, mismatch, refuseAt, textOf } from './expectation.ts';
import type { Shape } from './shape.ts';

export interface Address {
  readonly host: string;
  readonly port: number;
  /** Written with `https://`. */
  readonly tls: boolean;
}

/** Where an upstream listens; without a port `http://` means 80 and `https://` 443. An IPv6 address stands in brackets (RFC 3986, 3.2.2). */
export const address: Shape<Address> = {
  is: { kind: 'address' },
  read(value, at) {
    const found = textOf(value)?.trim();
    if (found === undefined) return mismatch(value, at, this.is);
    const match = /^(https?:\/\/)?(\[[0-9a-f:.]{2,45}\]|[^\s/:@?#[\]]+)(?::(\d{1,5}))?(\/?)$/i.exec(found);
    const host = match?.[2]?.replace(/^\[|\]$/g, '').toLowerCase();
    const tls = match?.[1]?.toLowerCase() === 'https://';
    const port = Number(match?.[3] ?? (match?.[1] === undefined ? Number.NaN : tls ? 443 : 80));
    if (match === null || host === undefined || !(port >= 1 && port <= 65_535) || !isReachable(host)) {
      return refuseAt(value, at, `expected ${expectation(this.is)}, such as 10.0.0.5:3000, found ${shown(found)}`);
    }
    if (match[4] === '/' && match[1] === undefined)
      return refuseAt(value, at, `expected host:port without a path, found ${shown(found)}`);
    return { host, port, tls };
  },
};

/** A DNS name (with the underscores that container networks use), an IPv4 or an IPv6 address. */
function isReachable(host: string): boolean {
  if (host.includes(':')) return isIpv6(host);
  if (/^[\d.]+$/.test(host))
    return /^(?:\d{1,3}\.){3}\d{1,3}$/.test(host) && host.split('.').every((part) => Number(part) <= 255);
  return isHost(host.replaceAll('_', '-')) && !host.startsWith('*');
}

/** RFC 4291, 2.2: eight groups, or fewer with one `::`; the last two may be an IPv4 address. */
function isIpv6(host: string): boolean {
  const halves = host.replace(/:(?:\d{1,3}\.){3}\d{1,3}$/, ':0:0').split('::');
  const groups = halves.flatMap((half) => (half === '' ? [] : half.split(':')));
  const short = halves.length === 2;
  return (
    halves.length <= 2 &&
    (short ? groups.length <= 7 : groups.length === 8) &&
    groups.every((group) => /^[0-9a-f]{1,4}$/.test(group))
  );
}
