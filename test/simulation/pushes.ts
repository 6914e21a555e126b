import type { RepositoryStore } from '../../src/reconcile/dependencies.ts';

/** Where nobody pushes. */
export function withoutPushes(): RepositoryStore {
  const refuse = () => Promise.reject(new Error('nobody pushes here'));
  const done = () => Promise.resolve();
  return {
    begin: done,
    close: () => undefined,
    make: refuse,
    point: refuse,
    serve: refuse,
    commit: () => Promise.resolve(null),
    clear: done,
    tidy: done,
    remove: done,
  };
}
