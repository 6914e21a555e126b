import type {
  EventDocument,
  InstanceDocument,
  LogDocument,
  ReleaseDocument,
  ServiceDocument,
  UpstreamDocument,
  VariableDocument,
} from '../api/contract/types.ts';
import { describeExit } from '../model/instance.ts';
import { KapalError } from '../model/errors.ts';
import { hasInstances, type ServiceId, serviceKey } from '../model/service.ts';
import { nearest } from '../model/nearest.ts';
import { serviceStatus } from '../rollout/status.ts';
import type { InstanceRow, ReleaseRow, ServiceRow } from '../state/records.ts';
import type { Dependencies } from './dependencies.ts';
import { diskDocument } from './disk-commands.ts';
import { scheduleDocument } from './job-documents.ts';
import { urlsOf } from './operations/documents.ts';
import { openVariables, variableContext } from './vaulting.ts';
import { runOf } from './routing.ts';
import { serviceView, type Reach } from './view.ts';

type Needs = Pick<Dependencies, 'store' | 'settings' | 'clock' | 'vault' | 'disks'>;

export interface ServiceFilter {
  readonly project?: string | undefined;
  readonly environment?: string | undefined;
  readonly service?: string | undefined;
}

/** What documents about services show beside the record. */
interface Seen {
  readonly reach: Reach;
  /** The leader of an instance's processes, as last observed. */
  readonly pidOf: (service: ServiceId, instance: string) => number | null;
  /** Why the edge passes an endpoint over. */
  readonly problem: (service: ServiceId, endpoint: string) => string | null;
  /** A moment of the record as the wall clock shows it. */
  readonly wallTime: (moment: number) => number;
}

/** The elements of `kapal ps`, sorted by project, environment, service. */
export function serviceDocuments(needs: Needs, input: Seen & { readonly filter: ServiceFilter }): ServiceDocument[] {
  return needs.store.services
    .all()
    .filter((row) => matches(row.id, input.filter))
    .map((row) => serviceDocument(needs, row, input));
}

export function matches(id: ServiceId, filter: ServiceFilter): boolean {
  const key = serviceKey(id);
  const same = (wanted: string | undefined, is: string) => wanted === undefined || wanted === is;
  return (
    same(filter.project, key.project) && same(filter.environment, key.environment) && same(filter.service, key.service)
  );
}

function serviceDocument(needs: Needs, row: ServiceRow, seen: Seen): ServiceDocument {
  const view = serviceView(needs, row, seen.reach);
  const instances = needs.store.instances
    .of(row.id)
    .flatMap((instance) => (instance.state === 'gone' ? [] : [instanceDocument(instance, instance.state, seen)]));
  const upstreams = row.spec.type === 'proxy' ? upstreamDocuments(needs, row, seen) : null;
  const schedule = scheduleDocument(needs, row);
  const status = statusOf(needs, row, view);
  const passedOver = instances.some(({ problem }) => problem !== undefined) || upstreams?.some(isDown) === true;
  return {
    ...serviceKey(row.id),
    type: row.spec.type,
    release: row.current,
    status: status === 'running' && passedOver ? 'degraded' : status,
    desired: hasInstances(row.spec.type) ? view.desired : 0,
    urls: urlsOf(needs, row.id),
    instances,
    ...(upstreams === null ? {} : { upstreams }),
    ...diskOf(needs, row),
    ...(schedule === null ? {} : { schedule }),
  };
}

function diskOf(needs: Needs, { id, spec }: ServiceRow): Pick<ServiceDocument, 'disk'> {
  const disk = spec.disk === undefined ? null : needs.store.disks.get(id, spec.disk.name);
  return disk === null ? {} : { disk: diskDocument(needs, disk) };
}

function upstreamDocuments(needs: Needs, row: ServiceRow, seen: Seen): UpstreamDocument[] {
  const current = row.current === null ? null : needs.store.releases.get(row.id, row.current);
  return (current?.spec.upstreams ?? []).map(({ host, port, weight }) => {
    const address = `${host}:${port}`;
    const problem = seen.problem(row.id, address);
    return { address, weight, state: problem === null ? 'up' : 'down', problem };
  });
}

function isDown({ state }: UpstreamDocument): boolean {
  return state === 'down';
}

function statusOf(needs: Needs, row: ServiceRow, view: ReturnType<typeof serviceView>): ServiceDocument['status'] {
  if (row.stopped) return 'stopped';
  const [newest] = needs.store.releases.of(row.id);
  return serviceStatus(view, {
    stopped: row.stopped,
    everFailed: row.current === null && newest !== undefined && newest.status !== 'pending',
  });
}

function instanceDocument(row: InstanceRow, state: InstanceDocument['state'], seen: Seen): InstanceDocument {
  const problem = seen.problem(row.service, runOf(row));
  return {
    id: row.id,
    state,
    release: row.release,
    pid: seen.pidOf(row.service, row.id),
    address: row.port === null ? null : `${row.address ?? '127.0.0.1'}:${row.port}`,
    restarts: row.attempt - 1,
    startedAt: new Date(seen.wallTime(row.startedAt)).toISOString(),
    lastExit: row.lastExit === null ? null : describeExit(row.lastExit),
    ...(row.retryAt === null ? {} : { nextStartAt: new Date(seen.wallTime(row.retryAt)).toISOString() }),
    ...(problem === null ? {} : { problem }),
  };
}

/** Finds the one service that a name means. Throws `not_found` with the nearest name, or `ambiguous` with the projects. */
export function resolveService(
  needs: Pick<Needs, 'store'>,
  name: string,
  at: { project?: string | undefined; environment: string },
): ServiceId {
  const all = needs.store.services.all().map((row) => row.id);
  const found = all.filter((id) => matches(id, { ...at, service: name }));
  const [only] = found;
  if (only === undefined) throw unknownService(all, name, at);
  if (found.length === 1) return only;
  const projects = found.map((id) => serviceKey(id).project);
  throw new KapalError('ambiguous', `${found.length} projects have a service ${name}: ${projects.join(', ')}`, {
    hint: `Say which: --project ${projects[0]}`,
  });
}

function unknownService(
  all: readonly ServiceId[],
  name: string,
  at: { project?: string | undefined; environment: string },
): KapalError {
  const elsewhere = all.filter((id) => serviceKey(id).service === name).map(serviceKey);
  if (elsewhere.length > 0) {
    const places = elsewhere.map((key) => `project ${key.project}, environment ${key.environment}`);
    return new KapalError(
      'not_found',
      `no service ${name} in environment ${at.environment}${at.project === undefined ? '' : ` of project ${at.project}`}`,
      { hint: `There is one in ${places.join('; ')}.` },
    );
  }
  const guess = nearest(
    name,
    all.map((id) => serviceKey(id).service),
  );
  return new KapalError('not_found', `no service ${name}`, {
    hint: guess === null ? 'See what runs: kapal ps' : `Did you mean ${guess}?`,
  });
}

export function releaseDocuments(needs: Pick<Needs, 'store'>, service: ServiceId): ReleaseDocument[] {
  const current = needs.store.services.get(service)?.current ?? null;
  return needs.store.releases
    .of(service)
    .filter((release) => !release.pruned)
    .map((release) => releaseDocument(release, current));
}

function releaseDocument(release: ReleaseRow, current: number | null): ReleaseDocument {
  return {
    release: release.number,
    status: release.number === current ? 'current' : release.status === 'live' ? 'previous' : release.status,
    createdAt: new Date(release.createdAt).toISOString(),
    source: release.source,
    cause: release.cause,
    error: release.error,
    available: release.status === 'live' && !release.pruned,
  };
}

/** What the next instance would get: the current release's variables, and what is set but not rolled out yet. */
export function variableDocuments(needs: Needs, service: ServiceId, reveal: boolean): VariableDocument[] {
  const row = needs.store.services.get(service);
  const current = row === null || row.current === null ? null : needs.store.releases.get(service, row.current);
  const found = new Map<string, VariableDocument>();
  for (const variable of current === null ? [] : openVariables(needs.vault, current).resolved) {
    found.set(variable.key, { key: variable.key, source: variable.source, value: reveal ? variable.value : null });
  }
  for (const stored of needs.store.variables.of(service)) {
    if (stored.source === 'generated' && found.has(stored.key)) continue;
    found.set(stored.key, {
      key: stored.key,
      source: stored.source,
      value: reveal ? needs.vault.open(stored.sealed, variableContext(service, stored.key)).reveal() : null,
    });
  }
  return [...found.values()].toSorted((a, b) => (a.key < b.key ? -1 : 1));
}

export function eventDocuments(needs: Pick<Needs, 'store'>, query: { after?: number; limit: number }): EventDocument[] {
  const rows =
    query.after === undefined
      ? needs.store.events.last(query.limit)
      : needs.store.events.after(query.after, query.limit);
  return rows.map((row) => {
    const key = row.service === null ? null : serviceKey(row.service);
    return {
      sequence: row.sequence,
      time: new Date(row.time).toISOString(),
      kind: row.kind,
      project: row.project,
      environment: key?.environment ?? null,
      service: key?.service ?? null,
      message: row.message,
    };
  });
}

export async function logDocuments(
  needs: Pick<Dependencies, 'logs'>,
  service: ServiceId,
  query: { since?: number; grep?: string; after?: number; limit: number },
): Promise<LogDocument[]> {
  const lines = await needs.logs.query({ service, ...query });
  return lines.map(({ sequence, time, kind, instance, release, text }) => ({
    sequence,
    time: new Date(time).toISOString(),
    kind,
    instance,
    release,
    text,
  }));
}
