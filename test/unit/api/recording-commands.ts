import type { Commands } from '../../../src/reconcile/commands.ts';
import type { JobDocument, JobsDocument } from '../../../src/api/contract/job-types.ts';
import type {
  DeployDocument,
  DomainCheckDocument,
  DomainDocument,
  EventDocument,
  GarbageDocument,
  LogDocument,
  OperationDocument,
  OperationEvent,
  PersistentDiskDocument,
  ServiceDocument,
  StatusDocument,
} from '../../../src/api/contract/types.ts';
import { KapalError } from '../../../src/model/errors.ts';
import { type ServiceId, serviceId } from '../../../src/model/service.ts';

/** One complete document of each kind. */

export const digest = `sha256-${'0'.repeat(64)}`;

export const service: ServiceDocument = {
  project: 'shop',
  environment: 'production',
  service: 'api',
  type: 'web',
  release: 4,
  status: 'running',
  desired: 1,
  urls: ['http://api.localhost:8080'],
  instances: [
    {
      id: 'i1',
      state: 'ready',
      release: 4,
      pid: 123,
      address: '127.0.0.1:20001',
      restarts: 0,
      startedAt: '2026-01-31T08:00:00.000Z',
      lastExit: null,
    },
  ],
};

export const garbage: GarbageDocument = {
  dryRun: false,
  bytes: 5 * 1024 ** 2,
  items: [{ kind: 'artifact', path: '/var/lib/kapal/releases/a', why: 'no release names it', bytes: 5 * 1024 ** 2 }],
};

export const persistentDisk: PersistentDiskDocument = {
  project: 'shop',
  environment: 'production',
  service: 'api',
  name: 'data',
  state: 'detached',
  mountPath: null,
  path: '/var/lib/kapal/disks/shop/production/api/data',
  sizeBytes: 10 * 1024 ** 3,
  usedBytes: 9 * 1024 ** 3,
};

export const deployed: DeployDocument = {
  project: 'shop',
  environment: 'production',
  services: [
    {
      service: 'api',
      release: 5,
      outcome: 'live',
      urls: ['http://api.localhost:8080'],
      milliseconds: { source: 80, build: 2100, start: 310, shift: 40, total: 2600 },
    },
  ],
};

export const running: OperationDocument = {
  id: 'op1',
  kind: 'deploy',
  state: 'running',
  createdAt: '2026-01-31T08:00:00.000Z',
  finishedAt: null,
  result: null,
  error: null,
};

export const finished: OperationDocument = {
  ...running,
  state: 'finished',
  finishedAt: '2026-01-31T08:00:02.600Z',
  result: deployed,
};

export const story: readonly OperationEvent[] = [
  { kind: 'stage', service: 'api', stage: 'build', message: 'building' },
  { kind: 'log', service: 'api', text: 'added 3 packages' },
  { kind: 'notice', service: null, message: 'The plan field means nothing here.' },
  ...deployed.services.map((result) => ({ kind: 'service' as const, result })),
  { kind: 'finished', operation: finished },
];

export const status: StatusDocument = {
  version: '0.1.0',
  pid: 1,
  startedAt: '2026-01-31T08:00:00.000Z',
  ready: true,
  data: '/var/lib/kapal',
  http: '127.0.0.1:8080',
  https: null,
  api: '127.0.0.1:7700',
  socket: '/var/lib/kapal/kapal.sock',
  domain: 'localhost',
  edge: { engine: 'embedded', why: 'asked for', workers: [{ pid: 2, residentBytes: 50_000_000 }] },
  runtime: { engine: 'process', why: 'asked for', notes: [] },
  residentBytes: 90_000_000,
  disk: { freeBytes: 20_000_000_000, totalBytes: 40_000_000_000, state: 'plenty', problem: null },
};

export const domain: DomainDocument = {
  host: 'api.localhost',
  path: '/',
  source: 'default',
  url: 'http://api.localhost:8080',
  certificate: {
    state: 'valid',
    source: 'local',
    issuer: 'Kapal local authority of box',
    notAfter: '2026-04-30T08:00:00.000Z',
    trusted: false,
    nextTry: null,
    problem: null,
    hint: null,
    root: '/var/lib/kapal/local-authority/root.pem',
  },
};

export const checked: DomainCheckDocument = {
  host: 'api.example.com',
  sound: false,
  findings: [
    {
      subject: 'dns',
      result: 'problem',
      code: 'dns-missing',
      facts: { host: 'api.example.com', resolvers: '127.0.0.1', target: '192.0.2.1' },
      message: 'api.example.com has neither an A nor an AAAA record',
      advice: 'Add an A record.',
    },
  ],
};

export const logLine = (sequence: number, text: string): LogDocument => ({
  sequence,
  time: '2026-01-31T08:00:00.000Z',
  kind: 'app',
  instance: 'i1',
  release: 4,
  text,
});

export const event = (sequence: number): EventDocument => ({
  sequence,
  time: '2026-01-31T08:00:00.000Z',
  kind: 'release.live',
  project: 'shop',
  environment: 'production',
  service: 'api',
  message: 'release 4 is live',
});

export const job: JobDocument = {
  id: 'nightly-20260131t0200z-3f9a1c',
  project: 'shop',
  environment: 'production',
  service: 'nightly',
  release: 1,
  cause: 'schedule',
  state: 'ended',
  result: 'failed',
  slot: '2026-01-31T02:00:00.000Z',
  createdAt: '2026-01-31T02:00:00.010Z',
  startedAt: '2026-01-31T02:00:00.020Z',
  endedAt: '2026-01-31T02:00:01.020Z',
  milliseconds: 1000,
  exitCode: 3,
  signal: null,
  exit: 'exited with code 3',
  command: null,
};

export const jobs: JobsDocument = {
  project: 'shop',
  environment: 'production',
  service: 'nightly',
  type: 'cron',
  schedule: {
    expression: '0 2 * * *',
    timeZone: 'Europe/Berlin',
    suspended: false,
    next: '2026-02-01T01:00:00.000Z',
    last: job,
  },
  jobs: [job],
};

const jobAnswers: Commands['jobs'] = {
  list: () => [jobs],
  get: (id) => ({ ...job, id }),
  run: () => job,
  begin: () => ({ ...job, cause: 'command' }),
  attach: async () => ({
    job,
    async *frames() {
      yield { kind: 'stdout', bytes: Buffer.from('one') } as const;
      yield { kind: 'ended', job } as const;
    },
    [Symbol.dispose]: () => undefined,
  }),
  feed: async (_id, pieces) => {
    for await (const piece of pieces) void piece;
  },
  resize: async () => undefined,
  stop: (id) => ({ ...job, id, state: 'ending' }),
};

export interface Call {
  readonly name: keyof Commands;
  readonly input: readonly unknown[];
}

/** Commands that write down what they are asked and answer the documents above; a test replaces the ones that it is about. */
export interface Recorder {
  readonly calls: Call[];
  readonly commands: Commands;
}

export function recordingCommands(replaced: Partial<Commands> = {}): Recorder {
  const calls: Call[] = [];
  const whole = { ...answers(), ...replaced };
  const commands = new Proxy(whole, {
    get(target, name: keyof Commands) {
      if (name === 'jobs') return target.jobs;
      const method = target[name] as (...input: unknown[]) => unknown;
      return (...input: unknown[]) => {
        calls.push({ name, input });
        return method(...input);
      };
    },
  });
  return { calls, commands };
}

export function answers(): Commands {
  return {
    status: async () => status,
    resolve: resolveKnown,
    services: async () => [service],
    hasSource: async () => false,
    putSource: async (_digest, tar) => {
      for await (const piece of tar) void piece;
    },
    deploy: async () => running,
    plan: async () => ({ project: 'shop', environment: 'production', origin: 'kapal.yaml', warnings: [], changes: [] }),
    operation: (id) => ({ ...finished, id }),
    async *follow() {
      yield* story;
    },
    releases: () => [],
    rollback: async () => ({ ...running, kind: 'rollback' }),
    restart: async () => ({ ...running, kind: 'restart' }),
    stop: async () => ({ ...running, kind: 'stop' }),
    start: async () => ({ ...running, kind: 'start' }),
    scale: async () => ({ ...running, kind: 'scale' }),
    cancel: async () => undefined,
    variables: (_service, reveal) => [{ key: 'KEY', source: 'set', value: reveal ? 'value' : null }],
    setVariables: async () => null,
    domains: () => [domain],
    addDomain: async (_service, host) => ({ ...domain, host }),
    checkDomain: async () => checked,
    removeDomain: async () => undefined,
    logs: async () => [logLine(1, 'one'), logLine(2, 'two')],
    moreLogs: aborted,
    jobs: jobAnswers,
    events: () => [event(1)],
    moreEvents: (signal) => aborted(null, signal),
    edgeConfig: async () => 'listen 80',
    edgeCheck: async () => [],
    removeProject: async () => undefined,
    collectGarbage: async (dryRun) => ({ ...garbage, dryRun }),
    persistentDisks: async () => [persistentDisk],
    removeDisk: async () => undefined,
    shutdown: async () => undefined,
  };
}

function resolveKnown(name: string, at: { project?: string | undefined; environment: string }): ServiceId {
  if (name === 'api') return serviceId({ project: at.project ?? 'shop', environment: at.environment, service: name });
  throw new KapalError('not_found', `no service ${name}`, { hint: 'Did you mean api?' });
}

function aborted(_service: unknown, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    signal.addEventListener('abort', () => resolve(), { once: true });
  });
}
