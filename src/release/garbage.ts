import type { ReleaseRow } from '../state/records.ts';

/** Artifacts of one service: which releases lose theirs, and which folders go. */
export interface ArtifactGarbage {
  /** Releases that cannot be gone back to and keep an artifact all the same: they are marked before anything is deleted. */
  readonly prune: readonly number[];
  readonly folders: readonly { readonly path: string; readonly why: string }[];
}

/**
 * What of a service's artifacts nothing needs. Needed is the artifact of a release that is in use (current, in a rollout, or with an instance), that
 * has not ended, or that went live and is kept for a rollback; and what is being built. A rollback shares its artifact with the release that it went back to.
 */
export function artifactGarbage(input: {
  readonly releases: readonly ReleaseRow[];
  readonly inUse: ReadonlySet<number>;
  /** Folders on disk, absolute. */
  readonly folders: readonly string[];
  /** Folders of builds under way; what is copied for them has their name and more. */
  readonly building: readonly string[];
}): ArtifactGarbage {
  const { releases, inUse, folders, building } = input;
  const kept = neededReleases(releases, inUse);
  const needed = new Set(kept.flatMap(({ artifact }) => artifact?.path ?? []));
  const prune = releases.filter((release) => !release.pruned && release.artifact !== null && !kept.includes(release));
  const owners = new Map(
    releases.flatMap(({ artifact, number }) => (artifact === null ? [] : [[artifact.path, number]])),
  );
  return {
    prune: prune.map(({ number }) => number),
    folders: folders
      .filter((path) => !needed.has(path) && !building.some((folder) => path.startsWith(folder)))
      .map((path) => {
        const owner = owners.get(path);
        return {
          path,
          why: owner === undefined ? 'no release names it' : `release ${owner} cannot be gone back to`,
        };
      }),
  };
}

/** The releases that are in use, have not ended, or went live and are kept for a rollback. */
export function neededReleases(releases: readonly ReleaseRow[], inUse: ReadonlySet<number>): readonly ReleaseRow[] {
  return releases.filter(
    ({ number, status, pruned }) => inUse.has(number) || status === 'pending' || (status === 'live' && !pruned),
  );
}
