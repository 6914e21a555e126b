/** How the movement of a service ends; the words of `deploy --json`. */
export const outcomes = ['live', 'failed', 'rolled_back', 'cancelled', 'unchanged'] as const;
export type Outcome = (typeof outcomes)[number];

/** Where the code of a release came from, kept on the release for ever. */
export interface SourceRecord {
  readonly kind: 'folder' | 'git';
  /** Content identity: equal digests mean equal trees. */
  readonly digest: string;
  readonly url: string | null;
  readonly branch: string | null;
  readonly commit: string | null;
  readonly author: string | null;
  readonly subject: string | null;
}

/** What instances of an artifact need: folders at the front of PATH (absolute) and variables, which declared ones win over. */
export interface ArtifactRuntime {
  readonly path: readonly string[];
  readonly environment: Readonly<Record<string, string>>;
  /** What it runs on, where that is not what all services have: `Node 16.20.2, as engines.node of package.json asks`. */
  readonly about: string | null;
  /** Folders of the programs that were brought for it, which stay as long as it does; absent in artifacts of before that was noted. */
  readonly tools?: readonly string[];
  /** The start command that is a supervisor of Kapal's own: it is told the service's limits, and ends its processes itself. Absent: none. */
  readonly supervisor?: string;
}

/** What a build yields. `path` is absolute in the data folder; `null` for services that have no files (type proxy). */
export interface Artifact {
  readonly id: string;
  readonly kind: 'folder';
  readonly path: string;
  /** Absent in releases of before there was a choice. */
  readonly runtime?: ArtifactRuntime;
}

export const deployStages = ['source', 'build', 'prepare', 'start', 'shift'] as const;

/** `milliseconds` of `deploy --json`: every key is always a number. `start` includes preDeployCommand. */
export interface DeployTimes {
  readonly source: number;
  readonly build: number;
  readonly start: number;
  readonly shift: number;
  readonly total: number;
}
