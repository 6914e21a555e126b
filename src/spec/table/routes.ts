import { mismatch, refuseAt } from './expectation.ts';
import type { Shape } from './shape.ts';
import { entryOf, type Value } from '../yaml/value.ts';

/** The file that a rewrite of all paths leads to, or `null` for no route at all. */
export interface Rewrite {
  readonly fallback: string | null;
}

/** Render's `routes`: of them the one that makes a single-page app is understood, a rewrite of all paths to one file. */
export const routes: Shape<Rewrite> = {
  is: { kind: 'list', of: { kind: 'any' } },
  read(value, at) {
    if (value.kind !== 'list') return mismatch(value, at, this.is);
    const [first, ...others] = value.items;
    if (first === undefined) return { fallback: null };
    const fallback = others.length === 0 ? fallbackOf(first) : null;
    if (fallback !== null) return { fallback };
    return refuseAt(
      value,
      at,
      'redirects and rewrites are not supported by this version of Kapal, but for one rewrite of /* to a file (the same as staticFallback)',
    );
  },
};

function fallbackOf(route: Value): string | null {
  if (route.kind !== 'map') return null;
  const part = (name: string): string | null => {
    const value = entryOf(route, name)?.value;
    return value?.kind === 'scalar' && typeof value.value === 'string' ? value.value : null;
  };
  if (part('type') !== 'rewrite' || part('source') !== '/*') return null;
  const match = /^\/((?:[\w-][\w.-]*\/)*[\w-][\w.-]*)$/.exec(part('destination') ?? '');
  return match?.[1] ?? null;
}
