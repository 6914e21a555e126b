import type { EdgeSpec, PolicySpec } from '../../spec/edge-spec.ts';
import { serving } from '../../spec/language/php/supervisor.ts';
import { type CronSpec, defaults, type ServiceSpec } from '../../spec/spec.ts';
import type { ExportNotes } from './exporter.ts';

type Asked<Part, Whole = Part> = (part: Part, whole: Whole) => boolean;

const always: Asked<unknown, unknown> = (part) => part !== undefined;
const some: Asked<readonly unknown[] | undefined, unknown> = (part) => part !== undefined && part.length > 0;

/** Every policy: what was asked for is there. */
const policies = {
  trustedProxies: always,
  maintenance: always,
  allow: always,
  deny: always,
  rateLimits: always,
  connectionLimit: always,
  basicAuth: always,
  rules: some,
  requestHeaders: some,
  responseHeaders: some,
  gzip: always,
} as const satisfies { readonly [Key in keyof Required<PolicySpec>]: Asked<PolicySpec[Key]> };

/** As they are called in kapal.yaml, where that is another name. */
const policyNames: Readonly<Record<string, string>> = {
  rateLimits: 'rateLimit',
  maintenance: 'maintenanceMode',
  rules: 'redirects',
};

const edges = {
  balance: (part) => part !== defaults.edge.balance,
  maxBodySize: (part) => part !== defaults.edge.maxBodySize,
  responseTimeout: (part) => part !== defaults.edge.responseTimeout,
  idleTimeout: (part) => part !== defaults.edge.idleTimeout,
  sticky: always,
  slowStart: always,
  maxConnections: always,
  queue: always,
  overload: always,
  ownHost: always,
  upstreamTls: always,
  stripPath: always,
  https: always,
  policy: () => false,
} as const satisfies { readonly [Key in keyof Required<EdgeSpec>]: Asked<EdgeSpec[Key]> };

const crons = {
  schedule: () => false,
  timeZone: (part) => part !== null,
  overlap: (part) => part !== defaults.cron.overlap,
  missed: (part) => part !== defaults.cron.missed,
  timeout: (part) => part !== null,
  history: (part) => part !== defaults.cron.history,
} as const satisfies { readonly [Key in keyof Required<CronSpec>]: Asked<CronSpec[Key]> };

const cronNames: Readonly<Record<string, string>> = { timeout: 'timeoutSeconds', history: 'historyLimit' };

const edgeNames: Readonly<Record<string, string>> = {
  responseTimeout: 'responseTimeoutSeconds',
  idleTimeout: 'idleTimeoutSeconds',
  slowStart: 'slowStartSeconds',
  ownHost: 'preserveHost',
};

/** Every part of a service: which fields of kapal.yaml it is that say something of their own. A new part has to be named here. */
const parts: { readonly [Key in keyof Required<ServiceSpec>]: (service: ServiceSpec) => readonly string[] } = {
  name: () => [],
  type: () => [],
  runtime: () => [],
  rootDir: ({ rootDir }) => (rootDir === '.' ? [] : ['rootDir']),
  commands: ({ commands }) => [
    ...(commands.build === null ? [] : ['buildCommand']),
    ...(commands.preDeploy === null ? [] : ['preDeployCommand']),
    ...(commands.start === null ? [] : ['startCommand']),
    ...(commands.initialDeploy === undefined ? [] : ['initialDeployHook']),
  ],
  cron: ({ cron }) =>
    cron === undefined ? [] : ['schedule', ...askedOf(crons, cron).map((key) => cronNames[key] ?? key)],
  publishPath: ({ publishPath }) => (publishPath === null ? [] : ['staticPublishPath']),
  groups: ({ groups }) => (groups.length === 0 ? [] : ['envVars']),
  variables: ({ variables }) => (variables.length === 0 ? [] : ['envVars']),
  health: ({ health, type }) => {
    const usual = type === 'proxy' ? defaults.upstreamHealth : defaults.health;
    const paced = health.interval !== usual.interval || health.timeout !== usual.timeout;
    return [
      ...(health.path === null ? [] : ['healthCheckPath']),
      ...(health.content === undefined ? [] : ['healthCheck.content']),
      ...(paced ? ['healthCheck'] : []),
    ];
  },
  instances: ({ instances }) => (instances === defaults.instances ? [] : ['numInstances']),
  startTimeout: ({ startTimeout }) => (startTimeout === defaults.startTimeout ? [] : ['startTimeoutSeconds']),
  shutdownDelay: ({ shutdownDelay }) => (shutdownDelay === defaults.shutdownDelay ? [] : ['maxShutdownDelaySeconds']),
  memoryLimit: ({ memoryLimit }) => (memoryLimit === null ? [] : ['memoryLimit']),
  domains: ({ domains }) => (domains.length === 0 ? [] : ['domains']),
  edge: ({ edge }) => [
    ...askedOf(edges, edge).map((key) => `edge.${edgeNames[key] ?? key}`),
    ...(edge.policy === undefined
      ? []
      : askedOf(policies, edge.policy).map((key) => `edge.${policyNames[key] ?? key}`)),
  ],
  rollout: ({ rollout }) => (rollout.strategy === 'rolling' && rollout.maxSurge === 1 ? [] : ['rollout']),
  upstreams: ({ upstreams }) => (upstreams.length === 0 ? [] : ['upstreams']),
  static: ({ static: site }) => (site === null || site.fallback === null ? [] : ['staticFallback']),
  autoDeploy: ({ autoDeploy }) => [
    ...(autoDeploy.on ? [] : ['autoDeployTrigger']),
    ...(autoDeploy.paths.length + autoDeploy.ignoredPaths.length === 0 ? [] : ['buildFilter']),
  ],
  port: ({ port }) => (port === undefined ? [] : ['port']),
  disk: ({ disk }) => (disk === undefined ? [] : ['disk', ...(disk.shared === true ? ['disk.shared'] : [])]),
  build: ({ build: { timeout, memoryLimit, diskLimit, processLimit } }) => {
    const limits = [memoryLimit, diskLimit ?? null, processLimit ?? null];
    return timeout === defaults.build.timeout && limits.every((limit) => limit === null) ? [] : ['build'];
  },
};

function askedOf(table: Readonly<Record<string, Asked<never, never>>>, found: object): string[] {
  return Object.entries(found).flatMap(([key, part]) =>
    table[key]?.(part as never, found as never) === true ? [key] : [],
  );
}

/** The fields of kapal.yaml by which a service differs from one that says nothing, each once. */
export function askedBy(service: ServiceSpec): readonly string[] {
  return [...new Set(Object.values(parts).flatMap((part) => part(service)))];
}

export interface Said {
  /** Fields that the target carries. */
  readonly carried: ReadonlySet<string>;
  /** Why not, or what to do, for some of the others. */
  readonly why: Readonly<Record<string, string>>;
  /** `Render has no word for it`. */
  readonly otherwise: string;
}

/** A note for each field that the target cannot say. */
export function noteUnsaid(service: ServiceSpec, { carried, why, otherwise }: Said, notes: ExportNotes): void {
  if (service.commands.start === serving && carried.has('startCommand'))
    notes.warn(
      `${service.name}.startCommand`,
      "is what Kapal's build writes for PHP (php-fpm behind an nginx, or PHP's own server): elsewhere another web server takes its place",
    );
  for (const field of askedBy(service)) {
    if (!carried.has(field)) notes.warn(`${service.name}.${field}`, why[field] ?? otherwise);
  }
}
