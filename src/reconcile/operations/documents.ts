import type { DeployDocument, DeployedService, OperationDocument } from '../../api/contract/types.ts';
import type { DomainName } from '../../model/domains.ts';
import { describeExit } from '../../model/instance.ts';
import { isVisible, serviceKey, type ServiceId } from '../../model/service.ts';
import { secureUrlOf, urlOf } from '../../release/hosts.ts';
import type { OperationRow, TaskRow } from '../../state/records.ts';
import type { Dependencies } from '../dependencies.ts';
import { insistsText } from '../insistence.ts';

type Needs = Pick<Dependencies, 'store' | 'settings' | 'clock'>;

export function operationDocument(needs: Needs, row: OperationRow): OperationDocument {
  const tasks = needs.store.operations.tasks(row.id);
  return {
    id: row.id,
    kind: row.kind,
    state: row.state,
    createdAt: new Date(row.createdAt).toISOString(),
    finishedAt: row.finishedAt === null ? null : new Date(row.finishedAt).toISOString(),
    result: row.state === 'finished' && row.error === null ? deployDocument(needs, row, tasks) : null,
    error: row.error,
  };
}

function deployDocument(needs: Needs, row: OperationRow, tasks: readonly TaskRow[]): DeployDocument {
  return {
    // A remote's project is known only once its declaration has been read: then the tasks carry its name.
    project: tasks[0] === undefined ? row.project : serviceKey(tasks[0].service).project,
    environment: row.environment,
    services: tasks.map((task) => deployedService(needs, task)),
  };
}

export function deployedService(needs: Needs, task: TaskRow): DeployedService {
  const { source, build, start, shift, total } = task.times;
  const round = Math.round;
  return {
    service: serviceKey(task.service).service,
    release: task.release ?? needs.store.services.get(task.service)?.current ?? null,
    outcome: task.outcome ?? 'failed',
    urls: urlsOf(needs, task.service),
    milliseconds: {
      source: round(source),
      build: round(build),
      start: round(start),
      shift: round(shift),
      total: round(total),
    },
    ...(task.error === null ? {} : { error: task.error }),
    ...warningsOf(needs, task),
  };
}

function warningsOf(needs: Needs, task: TaskRow): Pick<DeployedService, 'warnings'> {
  const warnings = [...hookWarnings(needs, task), ...portWarnings(needs, task)];
  return warnings.length === 0 ? {} : { warnings };
}

/** The app ignores PORT, and nothing that was declared says so. */
function portWarnings({ store }: Needs, { service, release }: TaskRow): readonly string[] {
  const row = release === null ? null : store.releases.get(service, release);
  if (row === null || row.insists === null || row.spec.port !== undefined) return [];
  return [insistsText(serviceKey(service).service, row.insists)];
}

/** The hook after the first deploy failed: the release is live all the same. */
function hookWarnings({ store }: Needs, { service, release }: TaskRow): readonly string[] {
  const hook = store.jobs.of(service).find((job) => job.cause === 'hook' && job.release === release);
  if (hook === undefined || hook.result === null || hook.result === 'succeeded') return [];
  const how = hook.exit === null ? 'did not run' : describeExit(hook.exit);
  return [`initialDeployHook ${how}; its lines: kapal logs ${serviceKey(service).service}`];
}

/** Where visitors reach a service: its domains first, then its default name. */
export function urlsOf(needs: Needs, service: ServiceId): string[] {
  const { store } = needs;
  const row = store.services.get(service);
  if (row === null || !isVisible(row.spec.type)) return [];
  const domains = [...store.domains.of(service), ...(row.host === null ? [] : [{ host: row.host, path: '/' }])];
  return domains.map((domain) => urlOfDomain(needs, domain));
}

/** By HTTPS where clients on other machines accept the certificate that is held for the host. */
export function urlOfDomain({ store, settings, clock }: Needs, domain: DomainName): string {
  const { host } = domain;
  const held = store.certificates.get(host) ?? store.certificates.get(`*.${host.slice(host.indexOf('.') + 1)}`);
  const secure = settings.httpsPort !== null && held?.trusted === true && held.notAfter > clock.now();
  const origin =
    secure && settings.httpsPort !== null ? secureUrlOf(host, settings.httpsPort) : urlOf(host, settings.httpPort);
  return domain.path === '/' ? origin : `${origin}${domain.path}`;
}
