import type { DeployRequest, DeploySource, GitFacts } from '../../api/contract/types.ts';

/** A tree of a commit that the daemon has taken itself: what was pushed to it, or fetched for a hook. Its commit never changes, however long the deploy takes. */
export interface CommitSource {
  readonly kind: 'commit';
  readonly digest: string;
  /** Of the remote, without password; null for what was pushed to Kapal. */
  readonly url: string | null;
  readonly git: GitFacts;
}

/** What a deploy is made of, as it is on record: what a client asked for, or what Kapal asks of itself. */
export interface DeployWork extends Omit<DeployRequest, 'source'> {
  readonly source: DeploySource | CommitSource;
  /** Only these of the declared services. */
  readonly services?: readonly string[];
}
