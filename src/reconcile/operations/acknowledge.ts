import { readDomain } from '../../model/domains.ts';
import { KapalError } from '../../model/errors.ts';
import { isVisible, listens, type ServiceId, serviceId, serviceKey, type ServiceKey } from '../../model/service.ts';
import { defaultHost } from '../../release/hosts.ts';
import type { ResolvedVariable } from '../../release/environment.ts';
import type { ServiceSpec, Spec } from '../../spec/spec.ts';
import type { OperationRow, ServiceRow, TaskRow } from '../../state/records.ts';
import type { Dependencies } from '../dependencies.ts';
import { adoptPending } from '../pending-variables.ts';
import type { PortAllocator } from '../ports.ts';
import { resolveVariables } from '../variables.ts';
import { operationContext } from '../vaulting.ts';
import type { DeployWork } from './deploy-work.ts';
import { digestOf } from './digest.ts';

/** One service of a deploy, decided: what its release will be made of. */
export interface Candidate {
  readonly key: ServiceKey;
  readonly spec: ServiceSpec;
  readonly resolved: readonly ResolvedVariable[];
  readonly fingerprint: string;
  /** The current release has the same fingerprint: nothing to build or roll out. */
  readonly unchanged: boolean;
}

/** What a declaration asks for, filtered by `--service`. Throws `not_found` for a service that it does not name. */
export function wantedServices(spec: Spec, only: string | undefined): readonly ServiceSpec[] {
  if (only === undefined) return spec.services;
  const chosen = spec.services.filter((service) => service.name === only);
  if (chosen.length > 0) return chosen;
  throw new KapalError('not_found', `the declaration has no service ${only}`, {
    hint: `It has: ${spec.services.map((service) => service.name).join(', ')}.`,
  });
}

/**
 * Makes the services known, resolves their variables and decides what is unchanged. Runs inside the caller's transaction, so that a missing value
 * (`variable_missing`) leaves no trace.
 */
export function candidates(
  needs: Dependencies,
  input: { spec: Spec; request: DeployWork; digest: string; privatePorts: ReadonlyMap<string, number> },
): Candidate[] {
  const { spec, request } = input;
  const { services } = request;
  const wanted = wantedServices(spec, request.service).filter(({ name }) => services?.includes(name) ?? true);
  const keyed = wanted.map((service) => ({
    service,
    key: { project: spec.project, environment: request.environment, service: service.name },
  }));
  for (const { key, service } of keyed)
    introduce(needs, { key, spec: service, privatePort: input.privatePorts.get(service.name) ?? null });
  const missing: string[] = [];
  const found = keyed.map(({ key, service }) => {
    const environment = resolveVariables(needs, { key, spec: service, beside: spec });
    missing.push(...environment.missing.map((name) => `${service.name} ${name}`));
    return { key, spec: service, resolved: environment.variables };
  });
  if (missing.length > 0) throw missingValues(missing, request.environment);
  return found.map((candidate) => ({ ...candidate, ...compared(needs, candidate, input.digest) }));
}

/** Which services need a private port before they can be introduced. */
export async function reservePrivatePorts(
  needs: Dependencies,
  input: { spec: Spec; environment: string; ports: PortAllocator },
): Promise<Map<string, number>> {
  const reserved = new Map<string, number>();
  for (const service of input.spec.services) {
    if (!listens(service.type)) continue;
    const row = needs.store.services.get(
      serviceId({ project: input.spec.project, environment: input.environment, service: service.name }),
    );
    if (row === null || row.privatePort === null) reserved.set(service.name, await input.ports.take());
  }
  return reserved;
}

/** Throws `conflict` for a service on its way out: what was begun for it now would go with it, and nobody be told. Part of the transaction that would begin it. */
export function refuseRemoving(needs: Pick<Dependencies, 'store'>, service: ServiceId): void {
  if (needs.store.services.get(service)?.removing !== true) return;
  throw new KapalError('conflict', `service ${serviceKey(service).service} is being removed`, {
    hint: 'Deploy again when it is gone.',
  });
}

function introduce(
  needs: Dependencies,
  input: { key: ServiceKey; spec: ServiceSpec; privatePort: number | null },
): void {
  const { store, clock } = needs;
  const id = serviceId(input.key);
  const known = store.services.get(id);
  for (const domain of input.spec.domains) refuseTaken(needs, id, domain);
  refuseRemoving(needs, id);
  if (known !== null) {
    if (known.spec.type !== input.spec.type && known.current === null)
      store.services.update(id, { spec: sealedSpec(input.spec) });
    if (known.privatePort === null && input.privatePort !== null)
      store.services.update(id, { privatePort: input.privatePort });
    // It was of a type that nobody visits.
    if (known.host === null && isVisible(input.spec.type))
      store.services.update(id, { host: newHost(needs, input.key) });
    return;
  }
  const row: ServiceRow = {
    id,
    spec: sealedSpec(input.spec),
    current: null,
    nextRelease: 1,
    scale: null,
    stopped: false,
    removing: false,
    host: isVisible(input.spec.type) ? newHost(needs, input.key) : null,
    privatePort: input.privatePort,
    createdAt: clock.now(),
  };
  store.services.insert(row);
  adoptPending(needs, input.key);
}

function newHost({ store, settings }: Dependencies, key: ServiceKey): string {
  const hosts = new Set([
    ...store.services.all().map((row) => row.host),
    ...store.domains.all().flatMap((row) => (row.path === '/' ? [row.host] : [])),
  ]);
  return defaultHost(key, settings.domain, (host) => hosts.has(host));
}

/** A declared domain is put in force when its release goes live; that it belongs to another is said before anything is built. */
function refuseTaken({ store }: Dependencies, service: ServiceId, domain: string): void {
  const { host, path } = readDomain(domain) ?? { host: domain, path: '/' };
  // A default name is the whole host's; below a path of it others may answer.
  const byDefault = path === '/' ? store.services.all().find((row) => row.host === host)?.id : undefined;
  const holder = store.domains.get(host, path)?.service ?? byDefault ?? service;
  if (holder !== service)
    throw new KapalError('domain_taken', `the domain ${domain} belongs to ${holder}`, {
      hint: 'Remove it there first, or declare another.',
    });
}

/** A spec as the record keeps it: values live sealed on the release. */
export function sealedSpec(spec: ServiceSpec): ServiceSpec {
  return { ...spec, variables: [] };
}

function compared(
  needs: Dependencies,
  candidate: { key: ServiceKey; spec: ServiceSpec; resolved: readonly ResolvedVariable[] },
  digest: string,
): { fingerprint: string; unchanged: boolean } {
  const id = serviceId(candidate.key);
  const fingerprint = fingerprintOf(needs, { ...candidate, digest });
  const row = needs.store.services.get(id);
  const current = row === null || row.current === null ? null : needs.store.releases.get(id, row.current);
  const busy = needs.store.rollouts.active(id) !== null || needs.store.operations.openTasks(id).length > 0;
  return { fingerprint, unchanged: !busy && current?.fingerprint === fingerprint };
}

/** Upstreams of a proxy are all there is to it, so its source does not count. */
export function fingerprintOf(
  { decisions }: Pick<Dependencies, 'decisions'>,
  made: { readonly spec: ServiceSpec; readonly resolved: readonly ResolvedVariable[]; readonly digest: string },
): string {
  const { spec, resolved, digest } = made;
  return decisions.releaseFingerprint(
    {
      sourceDigest: spec.type === 'proxy' ? '' : digest,
      spec: sealedSpec(spec),
      variablesDigest: digestOf(JSON.stringify(resolved.map(({ key, value }) => [key, value]))),
    },
    digestOf,
  );
}

function missingValues(missing: readonly string[], environment: string): KapalError {
  const at = environment === 'production' ? '' : ` -e ${environment}`;
  const commands = missing.map((name) => `kapal env set ${name}=VALUE${at}`);
  return new KapalError(
    'variable_missing',
    `${missing.length === 1 ? 'a variable has' : `${missing.length} variables have`} no value yet: ${missing.join(', ')}`,
    {
      hint: `Set ${missing.length === 1 ? 'it' : 'them'} first: ${commands.join(' ; ')}`,
    },
  );
}

/** An operation as acknowledged. Its request is sealed: a URL may carry credentials. */
export function operationRow(
  needs: Pick<Dependencies, 'clock' | 'vault'>,
  input: {
    id: string;
    kind: OperationRow['kind'];
    at: Omit<ServiceKey, 'service'>;
    request: unknown;
    idempotencyKey?: string | undefined;
  },
): OperationRow {
  return {
    id: input.id,
    kind: input.kind,
    project: input.at.project,
    environment: input.at.environment,
    request: needs.vault.seal(JSON.stringify(input.request), operationContext(input.id)),
    state: 'running',
    error: null,
    createdAt: needs.clock.now(),
    finishedAt: null,
    idempotencyKey: input.idempotencyKey ?? null,
  };
}

export function newTask(operation: string, service: ServiceId, source: number): TaskRow {
  return {
    operation,
    service,
    stage: 'source',
    artifact: null,
    buildRun: null,
    release: null,
    outcome: null,
    error: null,
    times: { source, build: 0, start: 0, shift: 0, total: 0 },
    cancel: 'no',
  };
}
