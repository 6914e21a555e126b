import type { HookProvider } from '../../model/hooks.ts';

/** The shapes of hooks; `hook-schemas.ts` holds the same as zod schemas. */

export interface HookDocument {
  readonly id: string;
  readonly project: string;
  readonly environment: string;
  readonly provider: HookProvider;
  /** Of the remote, without password. */
  readonly url: string;
  /** Null: the remote's default one. */
  readonly branch: string | null;
  /** Between two looks at the remote; null for one that calls. */
  readonly pollSeconds: number | null;
  /** Where the provider calls, at the address of the API; null for one that is polled. */
  readonly path: string | null;
  /** To be added at the provider, for reading; null where none is needed. */
  readonly publicKey: string | null;
  /** The commit that was seen last. */
  readonly commit: string | null;
  /** Why the last look came to nothing; null where it did not. */
  readonly problem: string | null;
  /** ISO 8601: when the remote is looked at next; null until it calls. */
  readonly nextLook: string | null;
}

/** Body of `POST /hooks`. */
export interface HookRequest {
  readonly project: string;
  readonly environment: string;
  readonly provider: HookProvider;
  readonly url: string;
  readonly branch: string | null;
  readonly pollSeconds: number | null;
}

/** Answer of `POST /hooks`. */
export interface HookAdded {
  readonly hook: HookDocument;
  /** To be told to the provider. It is not shown again. */
  readonly secret: string | null;
}

/** Answer to a provider that calls. */
export interface HookAnswer {
  readonly accepted: boolean;
  readonly message: string;
}
