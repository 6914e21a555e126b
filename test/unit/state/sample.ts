import type { ServiceId } from '../../../src/model/service.ts';
import type { ServiceSpec } from '../../../src/spec/spec.ts';
import type {
  InstanceRow,
  OperationRow,
  ReleaseRow,
  RolloutRow,
  ServiceRow,
  TaskRow,
} from '../../../src/state/records.ts';

/** Complete rows with every nullable field filled where that is possible, so that a round trip proves each column. */

export const shop = 'shop/production/api' as ServiceId;
export const other = 'shop/production/web' as ServiceId;

export const spec: ServiceSpec = {
  name: 'api',
  type: 'web',
  runtime: 'node',
  rootDir: '.',
  commands: { build: 'npm ci', preDeploy: null, start: 'npm start' },
  publishPath: null,
  groups: ['base'],
  variables: [{ key: 'MODE', value: { kind: 'literal', text: 'fast' } }],
  health: { path: '/healthz', interval: 5000, timeout: 5000 },
  instances: 3,
  startTimeout: 30_000,
  shutdownDelay: 30_000,
  memoryLimit: 1 << 28,
  domains: ['api.example.com'],
  edge: { balance: 'round-robin', maxBodySize: 1, responseTimeout: 2, idleTimeout: null },
  rollout: { strategy: 'rolling', maxSurge: 1 },
  upstreams: [],
  static: null,
  build: { timeout: 900_000, memoryLimit: null },
  autoDeploy: { on: true, paths: [], ignoredPaths: [] },
};

export function service(change: Partial<ServiceRow> = {}): ServiceRow {
  return {
    id: shop,
    spec,
    current: 2,
    nextRelease: 3,
    scale: 4,
    stopped: true,
    removing: false,
    host: 'api.localhost',
    privatePort: 21_000,
    createdAt: 1_700_000_000_123,
    ...change,
  };
}

export function release(change: Partial<ReleaseRow> = {}): ReleaseRow {
  return {
    service: shop,
    number: 1,
    spec,
    source: {
      kind: 'git',
      digest: 'd',
      url: 'https://example.com/a.git',
      branch: 'main',
      commit: 'c',
      author: 'a',
      subject: 's',
    },
    artifact: { id: 'a1', kind: 'folder', path: '/data/artifacts/a1' },
    fingerprint: 'f',
    environment: 'v1:sealed',
    cause: 'deploy',
    status: 'failed',
    error: { code: 'boot_crashed', message: 'm', hint: 'h', log: ['last line'] },
    createdAt: 5,
    pruned: false,
    insists: null,
    ...change,
  };
}

export function rollout(change: Partial<RolloutRow> = {}): RolloutRow {
  return {
    id: 'r1',
    service: shop,
    operation: 'o1',
    from: 1,
    to: 2,
    phase: 'aborting',
    since: 10,
    prepare: 'running',
    cancel: 'superseded',
    failure: { code: 'boot_crashed', message: 'it exited', instance: 'i1' },
    startedAt: 9,
    promotedAt: null,
    finishedAt: null,
    outcome: null,
    error: null,
    prepareRun: handle,
    vacatedAt: null,
    ...change,
  };
}

export const handle = {
  id: 'i1.2',
  service: shop,
  port: 20_001,
  log: '/data/runs/i1.2/log',
  driver: { pid: 7, boot: 'b' },
} as const;

export function instance(change: Partial<InstanceRow> = {}): InstanceRow {
  return {
    id: 'i1',
    service: shop,
    release: 1,
    state: 'crash-looping',
    since: 100,
    attempt: 2,
    startedAt: 90,
    quickExits: 5,
    retryAt: 200,
    address: null,
    handle,
    port: 20_001,
    lastExit: { code: 1, signal: null, reason: 'exited', at: 99, detail: null },
    createdAt: 80,
    ...change,
  };
}

export function operation(change: Partial<OperationRow> = {}): OperationRow {
  return {
    id: 'o1',
    kind: 'deploy',
    project: 'shop',
    environment: 'production',
    request: { source: { kind: 'folder', digest: 'd' } },
    state: 'running',
    error: null,
    createdAt: 1,
    finishedAt: null,
    idempotencyKey: null,
    ...change,
  };
}

export function task(change: Partial<TaskRow> = {}): TaskRow {
  return {
    operation: 'o1',
    service: shop,
    stage: 'build',
    artifact: 'a1',
    buildRun: handle,
    release: null,
    outcome: null,
    error: null,
    times: { source: 1, build: 2, start: 3, shift: 4, total: 10 },
    cancel: 'no',
    ...change,
  };
}
