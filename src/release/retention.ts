import type { ReleaseRow } from '../state/records.ts';

/** Releases that are kept for rollback. */
export const keptReleases = 10;

/** Releases of a service that stay on record, those included that cannot be rolled back to any more. Each holds a whole specification. */
export const recordedReleases = 100;

/** Rollouts of a service that stay on record once they have ended. */
export const recordedRollouts = 100;

export interface Retention {
  /** Releases that lose their artifact and can no longer be rolled back to. */
  readonly prune: readonly number[];
  /** Folders that no kept release needs any more. */
  readonly artifacts: readonly string[];
  /** Releases that leave the record. */
  readonly forget: readonly number[];
}

/**
 * Which releases of one service to prune: all but the newest ten, never one in use (current, in a rollout, or with an instance); and which of the
 * pruned ones to forget: all but the newest hundred. A rollback shares its artifact with the release it went back to, so a folder goes only when its last user goes.
 */
export function retention(releases: readonly ReleaseRow[], inUse: ReadonlySet<number>): Retention {
  const [keep, recorded] = [keptReleases, recordedReleases];
  const newestFirst = releases.toSorted((a, b) => b.number - a.number);
  const prune = newestFirst.filter((release, index) => index >= keep && !inUse.has(release.number) && !release.pruned);
  const gone = new Set(prune.map((release) => release.number));
  const needed = new Set(
    newestFirst
      .filter((release) => !release.pruned && !gone.has(release.number))
      .map((release) => release.artifact?.path),
  );
  const artifacts = new Set(prune.map((release) => release.artifact?.path).filter((path) => path !== undefined));
  return {
    prune: prune.map((release) => release.number),
    artifacts: [...artifacts].filter((path) => !needed.has(path)),
    forget: newestFirst
      .slice(recorded)
      .filter((release) => release.pruned || gone.has(release.number))
      .map((release) => release.number),
  };
}
