import { isIP } from 'node:net';
import { failure } from '../../api/contract/exit.ts';
import type { ListenAddress } from '../host.ts';

const FORM = /^(?:(?<host>\[[0-9a-f:.]+\]|[^:[\]\s]*):)?(?<port>\d{1,5})$/i;

/**
 * Reads `8080`, `:8080`, `*:8080`, `127.0.0.1:8080`, `[::1]:8080` or `localhost:8080`. `alone` is the host of a port that stands alone;
 * null means every interface. Throws `usage`.
 */
export function parseAddress(text: string, { flag, alone }: { flag: string; alone: string | null }): ListenAddress {
  const parts = FORM.exec(text)?.groups;
  const port = Number(parts?.['port']);
  const host = hostOf(parts?.['host'], alone);
  if (parts !== undefined && port <= 65_535 && host !== undefined) return { host, port };
  throw failure('usage', `${flag} ${text}: expected a port or an address, such as 8080, :8080 or 127.0.0.1:8080`);
}

/** Undefined for what is no host. */
function hostOf(text: string | undefined, alone: string | null): string | null | undefined {
  if (text === undefined) return alone;
  if (text === '' || text === '*') return null;
  if (!text.startsWith('[')) return text;
  const address = text.slice(1, -1);
  return isIP(address) === 6 ? address : undefined;
}

/** The text that reads as this address. */
export function addressText({ host, port }: ListenAddress): string {
  if (host === null) return `:${port}`;
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
}
