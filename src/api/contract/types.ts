import type { ErrorDocument } from '../../model/errors.ts';
import type { DeployTimes, Outcome, SourceRecord } from '../../model/deploy.ts';
import type { InstanceState } from '../../model/instance.ts';
import type { ServiceType } from '../../model/service.ts';
import type { ScheduleDocument } from './job-types.ts';

/**
 * The shapes that travel between daemon, command line and dashboard. `schemas.ts` holds the same as zod schemas for the daemon;
 * a type test keeps the two equal. The command line imports only this file, so that it starts without zod.
 */

export const serviceStatuses = [
  'running',
  'deploying',
  'degraded',
  'crash-looping',
  'stopped',
  'failed',
  'pending',
] as const;
export type ServiceStatus = (typeof serviceStatuses)[number];

/** One element of `kapal ps --json`. */
export interface ServiceDocument {
  readonly project: string;
  readonly environment: string;
  readonly service: string;
  readonly type: ServiceType;
  /** The current release, `null` before the first. */
  readonly release: number | null;
  readonly status: ServiceStatus;
  readonly desired: number;
  readonly urls: readonly string[];
  readonly instances: readonly InstanceDocument[];
  /** Of a proxy; absent for other types. */
  readonly upstreams?: readonly UpstreamDocument[];
  /** Absent where it has none. */
  readonly disk?: PersistentDiskDocument;
  /** Of a cron; absent for other types. */
  readonly schedule?: ScheduleDocument;
}

/** One element of `kapal disk list --json`: a folder of a service that outlives its releases, and the service. */
export interface PersistentDiskDocument {
  readonly project: string;
  readonly environment: string;
  readonly service: string;
  readonly name: string;
  /** `detached`: nothing declares it any more; it is kept until it is removed. */
  readonly state: 'attached' | 'detached';
  /** As declared: absolute, or from the top of the source; null for a detached one. */
  readonly mountPath: string | null;
  /** Where it really is. */
  readonly path: string;
  readonly sizeBytes: number;
  /** At the last count; null before the first. */
  readonly usedBytes: number | null;
}

export interface UpstreamDocument {
  /** `host:port`. */
  readonly address: string;
  readonly weight: number;
  /** `down`: the edge passes it over. */
  readonly state: 'up' | 'down';
  readonly problem: string | null;
}

export interface InstanceDocument {
  readonly id: string;
  readonly state: Exclude<InstanceState, 'gone'>;
  readonly release: number;
  /** Leads the instance's process group; `null` while it does not run. */
  readonly pid: number | null;
  readonly address: string | null;
  readonly restarts: number;
  /** ISO 8601. */
  readonly startedAt: string;
  /** How the last attempt ended, in words; `null` when none did. */
  readonly lastExit: string | null;
  /** ISO 8601: when it is started again; absent while it runs. */
  readonly nextStartAt?: string;
  /** Why the edge passes it over although it is ready; absent where it does not. */
  readonly problem?: string;
}

/** `kapal deploy --json`. */
export interface DeployDocument {
  readonly project: string;
  readonly environment: string;
  readonly services: readonly DeployedService[];
}

export interface DeployedService {
  readonly service: string;
  /** The new release; for `unchanged`, `failed` before a release existed and the like: the current one or null. */
  readonly release: number | null;
  readonly outcome: Outcome;
  readonly urls: readonly string[];
  readonly milliseconds: DeployTimes;
  readonly error?: ErrorDocument;
  /** What went wrong beside the deploy, for people; absent where nothing did. */
  readonly warnings?: readonly string[];
}

export interface DeployRequest {
  /** Overrides the declared or detected project name. */
  readonly project?: string;
  readonly environment: string;
  readonly source: DeploySource;
  /** Only this service. */
  readonly service?: string;
  /** Stop and remove services that vanished from the declaration. */
  readonly prune?: boolean;
  /** The client's own id for this request: repeating it does nothing twice. */
  readonly idempotencyKey?: string;
}

export type DeploySource =
  /** A tree that was put to `/api/v1/sources/:digest` before. `name` is the folder's name, for the project's. */
  | { readonly kind: 'folder'; readonly digest: string; readonly name: string; readonly git: GitFacts | null }
  | { readonly kind: 'git'; readonly url: string; readonly branch: string | null };

export interface GitFacts {
  readonly commit: string;
  readonly branch: string | null;
  readonly author: string;
  readonly subject: string;
}

/** A long piece of work that was acknowledged; it reaches `result` or `error`, always. */
export interface OperationDocument {
  readonly id: string;
  readonly kind: 'deploy' | 'rollback' | 'restart' | 'configure' | 'scale' | 'stop' | 'start';
  readonly state: 'running' | 'finished';
  readonly createdAt: string;
  readonly finishedAt: string | null;
  /** Present when finished. */
  readonly result: DeployDocument | null;
  /** Why the operation as a whole failed (declaration, source); service errors are in `result`. */
  readonly error: ErrorDocument | null;
}

/** Server-sent events of `/api/v1/operations/:id/events`: `event:` is `kind`, `data:` the JSON. The stream ends after `finished`. */
export type OperationEvent =
  | {
      readonly kind: 'stage';
      readonly service: string | null;
      readonly stage: 'source' | 'build' | 'prepare' | 'start' | 'shift';
      readonly message: string;
    }
  | { readonly kind: 'log'; readonly service: string; readonly text: string }
  | { readonly kind: 'notice'; readonly service: string | null; readonly message: string }
  | { readonly kind: 'service'; readonly result: DeployedService }
  | { readonly kind: 'finished'; readonly operation: OperationDocument };

export interface PlanDocument {
  readonly project: string;
  readonly environment: string;
  readonly origin: string;
  readonly warnings: readonly string[];
  readonly changes: readonly PlanChange[];
}

export interface PlanChange {
  readonly service: string;
  readonly action: 'create' | 'update' | 'unchanged' | 'scale' | 'vanished' | 'remove';
  /** `['startCommand: "npm start" -> "node server.js"', ...]` */
  readonly reasons: readonly string[];
}

export interface ReleaseDocument {
  readonly release: number;
  readonly status: 'current' | 'previous' | 'failed' | 'rolled_back' | 'cancelled' | 'pending';
  readonly createdAt: string;
  readonly source: SourceRecord | null;
  /** What made it: `deploy`, `rollback to 3`, `restart`, `env set KEY`. */
  readonly cause: string;
  readonly error: ErrorDocument | null;
  /** Whether `kapal rollback` can still go back to it. */
  readonly available: boolean;
}

export interface VariableDocument {
  readonly key: string;
  /** `declared`, `set`, `generated`, `group NAME`, `service NAME`. */
  readonly source: string;
  /** Only with `reveal`; else null. */
  readonly value: string | null;
}

export interface DomainDocument {
  readonly host: string;
  /** `/` for all of the host, else the prefix at which the service answers. */
  readonly path: string;
  /** `declared` in the file, `added` by the command, `default` by its name. */
  readonly source: 'declared' | 'added' | 'default';
  readonly url: string;
  readonly certificate: CertificateDocument;
}

export const certificateStates = ['valid', 'expired', 'asking', 'waiting', 'failing', 'none'] as const;

/**
 * `asking`: an authority is being asked; `waiting`: it will be; `failing`: the last try failed, there will be another; `none`: nobody can be asked, `problem`
 * says why and `hint` what to do. A `valid` one may have a `problem` too: its renewal fails, or its end is near.
 */
export interface CertificateDocument {
  readonly state: (typeof certificateStates)[number];
  /** By ACME, from the operator's files, or by the authority in the data folder; null where there is none. */
  readonly source: 'acme' | 'own' | 'local' | null;
  readonly issuer: string | null;
  /** ISO 8601. */
  readonly notAfter: string | null;
  /** Clients on other machines accept it. */
  readonly trusted: boolean;
  /** ISO 8601: when an authority is asked next, for the first or the next certificate; null where none will be. */
  readonly nextTry: string | null;
  readonly problem: string | null;
  readonly hint: string | null;
  /** `local`: file with the root that makes clients of this machine accept it. */
  readonly root: string | null;
}

/** Body of `PUT /services/:service/domains/:host`. Without any of them the domain is only added. */
export interface DomainRequest {
  /** PEM chain and key of the operator's own certificate; both or none. */
  readonly certificate?: string;
  readonly key?: string;
  /** Let ACME take the place of the own certificate; ask again at once. */
  readonly acme?: boolean;
}

/** Answer of `GET /services/:service/domains/:host/check`. */
export interface DomainCheckDocument {
  readonly host: string;
  /** Nothing was found that has to be put right. */
  readonly sound: boolean;
  readonly findings: readonly DomainFinding[];
}

export const findingResults = ['ok', 'warning', 'problem', 'unknown'] as const;

export interface DomainFinding {
  readonly subject: 'dns' | 'address' | 'http' | 'challenge' | 'caa' | 'https' | 'clock' | 'certificate';
  readonly result: (typeof findingResults)[number];
  /** A stable word for what was found; `facts` are its particulars. */
  readonly code: string;
  readonly facts: Readonly<Record<string, string>>;
  /** What was looked at and what was seen. */
  readonly message: string;
  /** What to do; null where nothing. */
  readonly advice: string | null;
}

export interface LogDocument {
  readonly sequence: number;
  readonly time: string;
  readonly kind: 'app' | 'build' | 'predeploy' | 'kapal';
  readonly instance: string | null;
  readonly release: number | null;
  readonly text: string;
}

export interface EventDocument {
  readonly sequence: number;
  readonly time: string;
  readonly kind: string;
  readonly project: string | null;
  readonly environment: string | null;
  readonly service: string | null;
  readonly message: string;
}

export interface StatusDocument {
  readonly version: string;
  readonly pid: number;
  readonly startedAt: string;
  /** Everything that it owns has been observed since its start. */
  readonly ready: boolean;
  readonly data: string;
  readonly http: string;
  /** Null where HTTPS is not served. */
  readonly https: string | null;
  readonly api: string;
  readonly socket: string;
  readonly domain: string;
  readonly edge: {
    readonly engine: string;
    readonly why: string;
    readonly workers: readonly { pid: number; residentBytes: number }[];
  };
  readonly runtime: { readonly engine: string; readonly why: string; readonly notes: readonly string[] };
  readonly residentBytes: number;
  readonly disk: DiskDocument;
}

export const diskStates = ['plenty', 'refusing', 'trimming', 'last'] as const;

/** The disk of the data folder. `refusing`: no build is begun; `trimming`: the oldest logs are removed too; `last`: the ballast file is given up too. */
export interface DiskDocument {
  readonly freeBytes: number;
  readonly totalBytes: number;
  readonly state: (typeof diskStates)[number];
  /** Null while there is plenty. */
  readonly problem: string | null;
}

/** Body of `POST /services/:service/rollback`. `null`: the live release before the current one. */
export interface RollbackRequest {
  readonly release: number | null;
}

/** Body of `POST /services/:service/scale`. */
export interface ScaleRequest {
  readonly instances: number;
}

/** Body of `PATCH /services/:service/variables`. `null` unsets. */
export interface VariableChanges {
  readonly changes: Readonly<Record<string, string | null>>;
}

/** Answer to a change of variables. `null`: nothing has to be rolled out, the service has no release yet. */
export interface VariablesChanged {
  readonly operation: OperationDocument | null;
}

/** Body of `POST /gc`. */
export interface GarbageRequest {
  /** Nothing is deleted. */
  readonly dryRun: boolean;
}

/** `kapal gc --json`. */
export interface GarbageDocument {
  readonly dryRun: boolean;
  /** Of all that was deleted, or would be. */
  readonly bytes: number;
  readonly items: readonly GarbageItem[];
}

export const garbageKinds = ['artifact', 'tree', 'mirror', 'tool', 'cache', 'rest'] as const;

export interface GarbageItem {
  /** The folder of a release; a source as it was sent or fetched; the cache of a git remote; a program that was brought for builds; a cache that builds of a service filled; what is left of a fetch or a removal that was cut short. */
  readonly kind: (typeof garbageKinds)[number];
  readonly path: string;
  readonly why: string;
  /** Null where they could not be counted in time. */
  readonly bytes: number | null;
}

/** Body of `POST /shutdown`. */
export interface ShutdownRequest {
  /** Everything that the daemon runs ends too, the edge last. */
  readonly apps: boolean;
}

/** Answer of `GET /edge/config`. */
export interface EdgeConfigDocument {
  /** The configuration that the edge runs, for people. */
  readonly text: string;
}

/** Answer of `GET /edge/check`: what is wrong with the next configuration, empty when it is sound. */
export interface EdgeCheckDocument {
  readonly problems: readonly string[];
}

/** Every answer of status 400 and above. */
export interface FailureDocument {
  readonly error: ErrorDocument;
}
