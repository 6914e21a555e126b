import type { Dependencies } from '../../src/reconcile/dependencies.ts';

/** Builds here bring no programs and fill no caches. */
export function withoutLeftovers(): Pick<Dependencies, 'tools' | 'caches'> {
  return {
    tools: { list: () => Promise.resolve([]), remove: () => Promise.resolve(false) },
    caches: {
      services: () => Promise.resolve([]),
      folders: () => Promise.resolve([]),
      remove: () => Promise.resolve(),
    },
  };
}
