/** The shapes of pushes; `push-schemas.ts` holds the same as zod schemas. */

/** The repository of a project that is pushed to. */
export interface RepositoryDocument {
  readonly project: string;
  /** Path of the repository at the address of the API. */
  readonly path: string;
  /** The branch whose pushes are deployed; null until the first push of main or master. */
  readonly branch: string | null;
  /** A push is refused when its deploy fails. */
  readonly requireDeploy: boolean;
  /** The commit of the branch; null before the first push. */
  readonly commit: string | null;
}

/** Body of `PATCH /repositories/:project`. */
export interface RepositoryChange {
  readonly branch?: string;
  readonly requireDeploy?: boolean;
}
