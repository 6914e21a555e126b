import type { JobCause, JobResult, JobState } from '../../model/job.ts';
import type { ServiceType } from '../../model/service.ts';

/** A command that runs once: a slot of a cron, what `kapal run` was given, a hook. */
export interface JobDocument {
  readonly id: string;
  readonly project: string;
  readonly environment: string;
  readonly service: string;
  readonly release: number;
  readonly cause: JobCause;
  readonly state: JobState;
  /** Null until it has ended. */
  readonly result: JobResult | null;
  /** ISO 8601: the moment of the schedule that it stands for. */
  readonly slot: string | null;
  readonly createdAt: string;
  readonly startedAt: string | null;
  readonly endedAt: string | null;
  readonly milliseconds: number | null;
  readonly exitCode: number | null;
  readonly signal: string | null;
  /** How it ended, in words. */
  readonly exit: string | null;
  /** What `kapal run` was given; null for what is declared. */
  readonly command: string | null;
}

export interface ScheduleDocument {
  readonly expression: string;
  readonly timeZone: string;
  /** The service is stopped. */
  readonly suspended: boolean;
  /** ISO 8601: the next slot; null while there is none. */
  readonly next: string | null;
  readonly last: JobDocument | null;
}

/** One element of `kapal jobs --json`. */
export interface JobsDocument {
  readonly project: string;
  readonly environment: string;
  readonly service: string;
  readonly type: ServiceType;
  readonly schedule: ScheduleDocument | null;
  /** Newest first. */
  readonly jobs: readonly JobDocument[];
}

/** Body of `POST /services/:service/runs`. */
export interface RunRequest {
  /** Program and arguments. */
  readonly command: readonly string[];
  readonly detach: boolean;
  readonly timeoutSeconds: number | null;
  readonly terminal: (TerminalSizeRequest & { readonly term: string }) | null;
}

/** Body of `POST /jobs/:id/terminal`. */
export interface TerminalSizeRequest {
  readonly rows: number;
  readonly columns: number;
}
