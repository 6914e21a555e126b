import { expand, matchSource, type PathParts } from '../../../model/path-pattern.ts';
import type { CompiledRule } from './compiled.ts';

/** Where a rule leads: another address for the client, or another target for the pool. */
export type Led =
  | { readonly kind: 'redirect'; readonly status: number; readonly location: string }
  | { readonly kind: 'rewrite'; readonly target: string };

/** The first rule that matches; `null`: none. `query` with its `?`, or empty. */
export function leadOf(rules: readonly CompiledRule[], path: PathParts | null, query: string): Led | null {
  if (path === null) return null;
  for (const { source, destination, status } of rules) {
    const captures = matchSource(source, path);
    if (captures === null) continue;
    const target = expand(destination, captures, query);
    return status === null ? { kind: 'rewrite', target } : { kind: 'redirect', status, location: target };
  }
  return null;
}

/** The target without the first segments of its path, as many as the route's has. Where that changes nothing but its beginning, the rest stays as it was sent. */
export function stripped(path: PathParts, segments: number, query: string): string {
  const rest = path.raw.slice(segments);
  return `/${rest.join('/')}${path.slash && rest.length > 0 ? '/' : ''}${query}`;
}
