import type { ServiceType } from '../model/service.ts';
import type { EdgeSpec } from './edge-spec.ts';

/** What one declaration says, after defaults: frozen, complete, every duration in milliseconds, every size in bytes. */
export interface Spec {
  readonly project: string;
  readonly services: readonly ServiceSpec[];
  readonly groups: readonly GroupSpec[];
  /** The file that said it, or what it was detected from (`package.json`, `index.html`). */
  readonly origin: Origin;
  /** Of what was detected: which file told each part. */
  readonly told: readonly Told[];
  readonly warnings: readonly Warning[];
}

export interface Origin {
  readonly kind: 'declared' | 'detected';
  readonly file: string;
  /** For `detected`: what was seen there, in words (`the start script of package.json`). */
  readonly why?: string;
}

/** One part of a detected declaration, and the file that told it. */
export interface Told {
  /** Null: a variable of a group. */
  readonly service: string | null;
  /** As kapal.yaml calls it: `startCommand`, `envVars.SESSION_KEY`. */
  readonly field: string;
  /** From the top of the source. */
  readonly file: string;
  /** From 1; null where no one line says it. */
  readonly line: number | null;
  /** In words, or the field of that file: `its start script`, `formation.web.quantity`. */
  readonly why: string;
}

export interface Warning {
  readonly message: string;
  readonly file: string;
  readonly line: number;
  readonly column: number;
}

/** An environment group: variables that services take by `fromGroup`. */
export interface GroupSpec {
  readonly name: string;
  readonly variables: readonly VariableSpec[];
}

export interface VariableSpec {
  readonly key: string;
  readonly value: VariableValue;
}

/** Where a variable's value comes from. `prompt` is Render's `sync: false`: set by `kapal env set`, never in the file. */
export type VariableValue =
  | { readonly kind: 'literal'; readonly text: string }
  | { readonly kind: 'generated' }
  | { readonly kind: 'prompt' }
  | { readonly kind: 'service'; readonly service: string; readonly property: ServiceProperty }
  | { readonly kind: 'service-variable'; readonly service: string; readonly key: string };

export const serviceProperties = ['host', 'port', 'hostport', 'url'] as const;
export type ServiceProperty = (typeof serviceProperties)[number];

export interface ServiceSpec {
  readonly name: string;
  readonly type: ServiceType;
  /** `node`, `static`, ... as declared or detected; decides the build recipe. `null` for proxy. */
  readonly runtime: Runtime | null;
  /** Folder inside the source, relative, `.` for its top. */
  readonly rootDir: string;
  readonly commands: Commands;
  /** Static sites: folder inside `rootDir` that is served. */
  readonly publishPath: string | null;
  /** Groups that it takes, in order; its own variables win over them. */
  readonly groups: readonly string[];
  readonly variables: readonly VariableSpec[];
  readonly health: HealthSpec;
  readonly instances: number;
  readonly startTimeout: number;
  readonly shutdownDelay: number;
  /** Bytes of memory for one instance, `null` without a limit. */
  readonly memoryLimit: number | null;
  /** Host names, or hosts with a path (`shop.example.com/api`), as `domainText` writes them. */
  readonly domains: readonly string[];
  readonly edge: EdgeSpec;
  readonly rollout: RolloutSpec;
  readonly upstreams: readonly UpstreamSpec[];
  readonly static: StaticSpec | null;
  /** Of type `cron`; absent for all others. */
  readonly cron?: CronSpec;
  readonly build: BuildSpec;
  readonly autoDeploy: AutoDeploySpec;
  /** Absent: none. */
  readonly disk?: DiskSpec;
  /** Where the app listens whatever PORT says; absent: it listens at PORT, as far as is declared. */
  readonly port?: number;
}

/** A folder of the service's that outlives its releases. */
export interface DiskSpec {
  readonly name: string;
  /** Where it is seen: an absolute path, or one from the top of the source (`rootDir` included). */
  readonly mountPath: string;
  /** Bytes that it is meant to hold. */
  readonly size: number;
  /** Several instances may write to it at once; absent: one at a time. */
  readonly shared?: true;
}

/** Whether instances of a service may not run side by side: its disk is for one at a time. */
export function isAlone({ disk }: Pick<ServiceSpec, 'disk'>): boolean {
  return disk !== undefined && disk.shared !== true;
}

/** What a push to the remote, told by a hook or seen by polling, means for a service. */
export interface AutoDeploySpec {
  readonly on: boolean;
  /** Globs of paths in the repository; empty: all of `rootDir`. */
  readonly paths: readonly string[];
  /** Win over `paths`. */
  readonly ignoredPaths: readonly string[];
}

/** The name of a language (`language/languages.ts`), or `static`. */
export type Runtime = string;

/** Shell text of the declared commands; `null` where there is none. */
export interface Commands {
  readonly build: string | null;
  readonly preDeploy: string | null;
  readonly start: string | null;
  /** Runs once after the first release went live; absent where there is none. */
  readonly initialDeploy?: string;
}

/** When the jobs of a service are due, and what happens where they meet or were missed. */
export interface CronSpec {
  /** As `spec/schedule.ts` reads it. */
  readonly schedule: string;
  /** IANA name; `null`: the server's. */
  readonly timeZone: string | null;
  /** What a slot does while a job still runs. `queue`: one waits at most. */
  readonly overlap: 'skip' | 'queue' | 'replace';
  /** What becomes of slots that passed while no daemon ran. `once`: the last of them runs, if it is not older than a day. */
  readonly missed: 'once' | 'skip';
  /** Milliseconds that a job may take; `null` without a limit. */
  readonly timeout: number | null;
  /** Ended jobs that are remembered. */
  readonly history: number;
}

/** `path: null` means that an accepting port is enough. `interval` paces probes of ready instances, and of upstreams. */
export interface HealthSpec {
  readonly path: string | null;
  /** What the body of the answer has to hold; absent where nothing is asked of it, and without a path. */
  readonly content?: string;
  readonly interval: number;
  readonly timeout: number;
}

export interface RolloutSpec {
  readonly strategy: 'rolling' | 'blue-green';
  /** Instances above the wanted number while rolling. */
  readonly maxSurge: number;
}

export interface UpstreamSpec {
  readonly host: string;
  readonly port: number;
  readonly weight: number;
}

export interface StaticSpec {
  /** Serve this file (relative to the publish path) where nothing matches: a single-page app. */
  readonly fallback: string | null;
}

export interface BuildSpec {
  /** Milliseconds of wall clock. */
  readonly timeout: number;
  /** Bytes, `null` without a limit. */
  readonly memoryLimit: number | null;
  /** Bytes that it may write; absent: as much as leaves free what is to stay free. */
  readonly diskLimit?: number;
  /** Processes and threads; absent: the default. */
  readonly processLimit?: number;
}

/** The default values, in one place, as the documentation prints them. */
export const defaults = {
  instances: 1,
  startTimeout: 30_000,
  shutdownDelay: 30_000,
  health: { interval: 5_000, timeout: 5_000 },
  edge: { balance: 'round-robin', maxBodySize: 100 * 1024 * 1024, responseTimeout: 100_000, idleTimeout: 300_000 },
  /** Checks of upstreams, which Kapal does not run: what fails there is known by no exit. */
  upstreamHealth: { interval: 1_000, timeout: 2_000 },
  sticky: { cookie: 'kapal_sticky' },
  queue: { timeout: 10_000 },
  redirectStatus: 301,
  realm: 'Restricted',
  maintenance: { retryAfter: 300 },
  /** A year, where a publicly trusted certificate is held. */
  hsts: 31_536_000,
  build: { timeout: 15 * 60_000 },
  buildProcesses: 2_048,
  /** Render's own. */
  disk: { sizeGB: 10 },
  cron: { overlap: 'skip', missed: 'once', history: 50 },
} as const;
