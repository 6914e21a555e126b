import type { Artifact, DeployTimes, Outcome, SourceRecord } from '../model/deploy.ts';
import type { ErrorDocument } from '../model/errors.ts';
import type { HookProvider } from '../model/hooks.ts';
import type { Exit, InstanceState } from '../model/instance.ts';
import type { JobCause, JobEnding, JobResult, JobState } from '../model/job.ts';
import type { ServiceId } from '../model/service.ts';
import type { RolloutView } from '../rollout/view.ts';
import type { RunHandle } from '../runtime/port.ts';
import type { ServiceSpec } from '../spec/spec.ts';

/** The rows of the record, as the rest of the daemon sees them. Moments are milliseconds since the epoch. */

export interface ServiceRow {
  readonly id: ServiceId;
  /**
   * The spec that is in force: of the release that went live last, with the live fields (instances, domains, edge) of the newest unchanged declaration.
   * Its `variables` are empty here and in `ReleaseRow`: declared values are sealed in `ReleaseRow.environment`.
   */
  readonly spec: ServiceSpec;
  /** The release that serves. Changed by compare-and-set only. */
  readonly current: number | null;
  /** The number that the next release gets. */
  readonly nextRelease: number;
  /** `kapal scale`; holds until the declared number changes. */
  readonly scale: number | null;
  readonly stopped: boolean;
  /** Marked for removal: drained, stopped and forgotten by the reconciler. */
  readonly removing: boolean;
  /** The default host name, `api.localhost`; once given it stays. */
  readonly host: string | null;
  /** Stable loopback port of its private listener, null for none. */
  readonly privatePort: number | null;
  readonly createdAt: number;
}

export interface ReleaseRow {
  readonly service: ServiceId;
  readonly number: number;
  readonly spec: ServiceSpec;
  readonly source: SourceRecord | null;
  readonly artifact: Artifact | null;
  /** Digest of source, spec and variables: equal means `unchanged`. */
  readonly fingerprint: string;
  /** Sealed by the vault: the variables as resolved for this release, and as declared. */
  readonly environment: string;
  readonly cause: string;
  readonly status: 'pending' | 'live' | 'failed' | 'rolled_back' | 'cancelled';
  readonly error: ErrorDocument | null;
  readonly createdAt: number;
  /** The artifact was deleted by retention; it cannot be rolled back to. */
  readonly pruned: boolean;
  /** The port on which its app was seen to insist, whatever PORT says; null where it was not. */
  readonly insists: number | null;
}

export interface RolloutRow extends RolloutView {
  readonly service: ServiceId;
  /** The operation that asked for it, null for Kapal's own. */
  readonly operation: string | null;
  readonly startedAt: number;
  /** When the target first took traffic. */
  readonly promotedAt: number | null;
  readonly finishedAt: number | null;
  readonly outcome: Exclude<Outcome, 'unchanged'> | null;
  readonly error: ErrorDocument | null;
  /** The run of preDeployCommand. */
  readonly prepareRun: RunHandle | null;
  /** When what served was told to let go of its disk; null where nothing had to. */
  readonly vacatedAt: number | null;
}

/** A folder of a service that outlives its releases, and the service too. */
export interface DiskRow {
  readonly service: ServiceId;
  readonly name: string;
  /** Bytes that it is meant to hold. */
  readonly size: number;
  /** Its folder has been made: if that is not there, something is lost. */
  readonly made: boolean;
  /** It goes with its service, by request. */
  readonly removing: boolean;
  /** Bytes at the last look; null before the first. */
  readonly used: number | null;
  /** Percent of its size that were last warned of. */
  readonly warned: 0 | 80 | 100;
  readonly createdAt: number;
}

export interface InstanceRow {
  readonly id: string;
  readonly service: ServiceId;
  readonly release: number;
  readonly state: InstanceState;
  readonly since: number;
  /** Counts starts, from 1. The run's id is `<instance>.<attempt>`. */
  readonly attempt: number;
  readonly startedAt: number;
  readonly quickExits: number;
  readonly retryAt: number | null;
  /** Present from the intent on: the runtime's `start` may not have happened yet when `handle` is null. */
  readonly handle: RunHandle | null;
  /** Where it is expected to listen, and after it was seen on another port, that one. */
  readonly port: number | null;
  /** Where it is, if it has a network of its own; null: at 127.0.0.1. */
  readonly address: string | null;
  readonly lastExit: Exit | null;
  readonly createdAt: number;
}

export interface OperationRow {
  readonly id: string;
  readonly kind: 'deploy' | 'rollback' | 'restart' | 'configure' | 'scale' | 'stop' | 'start';
  readonly project: string;
  readonly environment: string;
  /** The request as acknowledged, JSON of the kind's own shape. */
  readonly request: unknown;
  readonly state: 'running' | 'finished';
  readonly error: ErrorDocument | null;
  readonly createdAt: number;
  readonly finishedAt: number | null;
  readonly idempotencyKey: string | null;
}

/** One service's way through an operation. */
export interface TaskRow {
  readonly operation: string;
  readonly service: ServiceId;
  readonly stage: 'source' | 'build' | 'rollout' | 'finished';
  /** The artifact's id while it is built (the folder is derived from it). */
  readonly artifact: string | null;
  readonly buildRun: RunHandle | null;
  readonly release: number | null;
  readonly outcome: Outcome | null;
  readonly error: ErrorDocument | null;
  readonly times: DeployTimes;
  readonly cancel: 'no' | 'requested' | 'superseded';
}

export interface VariableRow {
  /** A service's id, or `project/environment/@group` for an environment group. */
  readonly owner: string;
  readonly key: string;
  /** Sealed by the vault. */
  readonly sealed: string;
  readonly source: 'set' | 'generated';
}

export interface DomainRow {
  readonly host: string;
  /** `/` for all of the host, else a prefix at a segment border: `/api`. */
  readonly path: string;
  readonly service: ServiceId;
  readonly source: 'declared' | 'added';
}

/** What is held for a host: at most one. */
export interface CertificateRow {
  /** A host name, or `*.example.com`. */
  readonly host: string;
  /** From an authority by ACME, from the operator's files, or from the authority in the data folder. */
  readonly source: 'acme' | 'own' | 'local';
  /** Of chain and key: `[0-9a-f]{32}`. */
  readonly digest: string;
  /** Directory that issued it; null unless `acme`. */
  readonly authority: string | null;
  /** PEM, leaf first. */
  readonly chain: string;
  /** PEM, sealed by the vault. */
  readonly sealedKey: string;
  /** DNS names that it covers, lower-case. */
  readonly names: readonly string[];
  /** In words: `Example CA`. */
  readonly issuer: string;
  readonly notBefore: number;
  readonly notAfter: number;
  /** Clients on other machines accept it: from the operator's directory, or verified by this machine's root store. */
  readonly trusted: boolean;
  /** The operator asked that ACME takes its place (`own` only). */
  readonly superseded: boolean;
  /** When its end was last warned of. */
  readonly warnedAt: number | null;
}

/**
 * Where a host stands on the way to its next certificate:
 *
 *   waiting --due--> asking --order made--> placed --challenges proven, finalised, downloaded--> (the row goes, the certificate is there)
 *   asking | placed --problem--> waiting                     (nextAt: back-off)
 *
 * `asking` and `placed` of a dead daemon are taken up again; a placed order has its `url`, and its key is never changed.
 */
export interface CertificateOrderRow {
  readonly host: string;
  readonly state: 'waiting' | 'asking' | 'placed';
  readonly url: string | null;
  readonly sealedKey: string | null;
  /** In a row. */
  readonly failures: number;
  /** Not before. */
  readonly nextAt: number;
  readonly problem: string | null;
}

export interface CertificateAccountRow {
  readonly directory: string;
  readonly email: string;
  /** Null until it is registered. */
  readonly url: string | null;
  readonly sealedKey: string;
  /** Failures of the authority itself, in a row: unreachable, overloaded, refusing us. */
  readonly failures: number;
  readonly nextAt: number;
  readonly problem: string | null;
}

/** A command that runs once. Its moments are of the steady clock, but for the slot, which is wall time: people's clocks name it. */
export interface JobRow {
  /** Of its run too. */
  readonly id: string;
  readonly service: ServiceId;
  readonly release: number;
  readonly cause: JobCause;
  /** The moment of the schedule that it stands for; null for what no schedule asked for. */
  readonly slot: number | null;
  readonly state: JobState;
  /** Shell text, sealed by the vault; null: the release's own command. */
  readonly command: string | null;
  /** A client has its streams, and it ends with that client: no later daemon starts it. */
  readonly attached: boolean;
  /** Milliseconds that it may take. */
  readonly timeout: number | null;
  /** Why it was told to end; null where it was not. */
  readonly ending: JobEnding | null;
  /** Null as long as the runtime has not said that it started it. */
  readonly handle: RunHandle | null;
  readonly createdAt: number;
  readonly startedAt: number | null;
  readonly endedAt: number | null;
  readonly exit: Exit | null;
  readonly result: JobResult | null;
}

/** Up to where the slots of a service are decided, and by which schedule. */
export interface ScheduleRow {
  readonly service: ServiceId;
  readonly expression: string;
  readonly timeZone: string;
  /** Wall time. */
  readonly cursor: number;
}

/** A project's repository that is pushed to. */
export interface RepositoryRow {
  readonly project: string;
  /** The branch whose pushes are deployed; null until the first push of `main` or `master`, or a choice. */
  readonly branch: string | null;
  /** A push is refused when its deploy fails. */
  readonly requireDeploy: boolean;
  /** The commit of the branch that was looked at last: where the branch is at another one, that is still to be deployed. */
  readonly tip: string | null;
  /** The commit whose deploy was acknowledged last, and that operation. Ahead of `tip` while a push waits for its deploy. */
  readonly deployed: string | null;
  readonly operation: string | null;
  readonly createdAt: number;
}

/** A remote whose pushes are deployed. */
export interface HookRow {
  readonly id: string;
  readonly project: string;
  readonly environment: string;
  readonly provider: HookProvider;
  /** Without password. */
  readonly url: string;
  /** Null: the remote's default one. */
  readonly branch: string | null;
  /** Milliseconds between two looks; null for a remote that calls. */
  readonly poll: number | null;
  /** By the vault: URL with password, secret of the provider, deploy key. */
  readonly sealed: string;
  readonly publicKey: string | null;
  /** When the remote is looked at next; null until it calls. */
  readonly dueAt: number | null;
  /** The commit whose deploy was acknowledged last, or that changed nothing that is deployed. */
  readonly seen: string | null;
  /** In a row. */
  readonly failures: number;
  readonly problem: string | null;
  readonly createdAt: number;
}

export interface EventRow {
  readonly sequence: number;
  readonly time: number;
  readonly kind: string;
  readonly service: ServiceId | null;
  readonly project: string | null;
  readonly message: string;
}
