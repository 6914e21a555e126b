import type { ErrorDocument } from '../../model/errors.ts';
import type { DeployTimes, Outcome, SourceRecord } from '../../model/deploy.ts';
import type { InstanceState } from '../../model/instance.ts';
import type { ServiceType } from '../../model/service.ts';

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
  /** `declared` in the file, `added` by the command, `default` by its name. */
  readonly source: 'declared' | 'added' | 'default';
  readonly url: string;
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
