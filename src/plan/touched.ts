import { matchesGlob } from '../model/glob.ts';
import type { ServiceSpec } from '../spec/spec.ts';

/**
 * Whether a change of these paths (relative to the top of the repository) deploys a service by itself. `buildFilter.paths` says which paths do; without them
 * those below `rootDir` do. `ignoredPaths` win over both. Null: it is not known what changed.
 */
export function isTouched(spec: ServiceSpec, changed: readonly string[] | null): boolean {
  const { rootDir, autoDeploy } = spec;
  if (!autoDeploy.on) return false;
  if (changed === null) return true;
  const { paths, ignoredPaths } = autoDeploy;
  const below = rootDir === '.' ? '' : `${rootDir.replace(/^\.\//, '').replace(/\/$/, '')}/`;
  return changed.some(
    (path) =>
      !ignoredPaths.some((glob) => matchesGlob(path, glob)) &&
      (paths.length === 0 ? path.startsWith(below) : paths.some((glob) => matchesGlob(path, glob))),
  );
}
