import type { Route } from '../../port.ts';
import type { PoolState } from '../plane/pool.ts';
import type { CompiledPolicy } from './compiled.ts';

/** A route of the present table, with what it leads to. */
export interface RouteEntry {
  /** Without the slash at its end; empty for all. */
  readonly prefix: string;
  readonly pool: PoolState;
  /** What it asks of requests; `null`: nothing, and they cost nothing. */
  readonly terms: RouteTerms | null;
}

export interface RouteTerms {
  readonly policy: CompiledPolicy | null;
  /** Segments to take off the path; 0: it goes on as it came. */
  readonly strip: number;
  readonly redirectToHttps: boolean;
  /** Field line; empty: none. */
  readonly hsts: string;
}

export function entryOf(route: Route, pool: PoolState, policy: CompiledPolicy | null): RouteEntry {
  const prefix = route.path.replace(/\/+$/, '');
  const strip = route.stripPath === true ? prefix.split('/').filter((segment) => segment !== '').length : 0;
  const plain = policy === null && strip === 0 && route.redirectToHttps !== true && route.hsts === undefined;
  const terms = {
    policy,
    strip,
    redirectToHttps: route.redirectToHttps === true,
    hsts: route.hsts === undefined ? '' : `Strict-Transport-Security: max-age=${route.hsts}\r\n`,
  };
  return { prefix, pool, terms: plain ? null : terms };
}
