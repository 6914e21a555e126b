import type { RequestHead } from '../http/request-head.ts';
import { routedHost } from '../plane/forwarded.ts';

/** The edge's own answer to a request that does not reach its pool. */
export interface Verdict {
  readonly status: number;
  readonly headers: readonly (readonly [string, string])[];
  /** Instead of the page of the status. */
  readonly body?: string;
  readonly page?: 'maintenance';
}

export function redirectTo(status: number, location: string): Verdict {
  return { status, headers: [['Location', location]], body: '' };
}

/** `seconds` at least 1. */
export function tooMany(seconds: number): Verdict {
  return { status: 429, headers: [['Retry-After', String(Math.max(1, Math.ceil(seconds)))]] };
}

/** The same address over HTTPS. `port`: at which it is served; 443 is left out. */
export function secureForm(request: RequestHead, port: number): Verdict {
  const host = routedHost(request.host);
  const target = request.target === '*' ? '/' : request.target;
  const status = request.method === 'GET' || request.method === 'HEAD' ? 301 : 308;
  return redirectTo(status, `https://${host}${port === 443 ? '' : `:${port}`}${target}`);
}
