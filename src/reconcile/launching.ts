import { join } from 'node:path';
import type { SealContext, Vault } from '../secrets/vault.ts';
import type { InstanceRow, JobRow, ReleaseRow } from '../state/records.ts';
import type { RunSpec, ServiceAccount } from '../runtime/port.ts';
import type { ResolvedVariable } from '../release/environment.ts';
import { type AttachedDisk, seenByRun } from './disks.ts';
import { runOf } from './routing.ts';
import { quoted } from '../model/shell.ts';

/** Pure: the run of an instance's present attempt. What Kapal gives wins over what was declared. */
export function instanceRun(input: {
  instance: InstanceRow;
  release: ReleaseRow;
  variables: readonly ResolvedVariable[];
  account: ServiceAccount;
  disk: AttachedDisk | null;
  /** The path of its network namespace, null for the machine's network. */
  network: string | null;
}): RunSpec {
  const { instance, release, account, network } = input;
  const { environment, mount } = seenByRun(input.disk);
  const supervisor = release.artifact?.runtime?.supervisor;
  const isSupervised = supervisor !== undefined && supervisor === release.spec.commands.start;
  return {
    id: runOf(instance),
    service: instance.service,
    directory: workingFolder(release, account),
    command: release.spec.commands.start ?? '',
    environment: {
      ...surroundings(release, account),
      ...declared(input.variables),
      ...(instance.port === null ? {} : { PORT: String(instance.port), HOST: '127.0.0.1' }),
      ...identity(release),
      ...environment,
      ...(isSupervised ? limitsOf(release.spec) : {}),
      KAPAL_INSTANCE: instance.id,
    },
    ...mount,
    ...(isSupervised ? { terminate: 'leader' } : {}),
    ...(network === null ? {} : { network }),
    port: instance.port,
    memoryLimit: release.spec.memoryLimit,
    niceness: 0,
  };
}

/** What a supervisor of Kapal's own follows: bytes of memory and of a body, and the seconds after which the edge gives up. */
function limitsOf({ memoryLimit, edge }: ReleaseRow['spec']): Record<string, string> {
  return {
    ...(memoryLimit === null ? {} : { KAPAL_MEMORY_LIMIT: String(memoryLimit) }),
    KAPAL_MAX_BODY_SIZE: String(edge.maxBodySize),
    KAPAL_RESPONSE_TIMEOUT: String(Math.ceil(edge.responseTimeout / 1000)),
  };
}

/** What the runtime calls the run of a rollout's preDeployCommand. */
export function prepareRunId(rollout: string): string {
  return `${rollout}.predeploy`;
}

/** Pure: the run of preDeployCommand, one a rollout. */
export function prepareRun(input: {
  rollout: string;
  release: ReleaseRow;
  variables: readonly ResolvedVariable[];
  account: ServiceAccount;
  disk: AttachedDisk | null;
}): RunSpec {
  const { release, account } = input;
  const { environment, mount } = seenByRun(input.disk);
  return {
    id: prepareRunId(input.rollout),
    service: release.service,
    directory: workingFolder(release, account),
    command: release.spec.commands.preDeploy ?? '',
    environment: {
      ...surroundings(release, account),
      ...declared(input.variables),
      ...identity(release),
      ...environment,
      KAPAL_INSTANCE: prepareRunId(input.rollout),
    },
    ...mount,
    port: null,
    memoryLimit: release.spec.memoryLimit,
    niceness: 0,
  };
}

/** What every run of the account has, and what the artifact was built with. */
function surroundings({ artifact }: ReleaseRow, account: ServiceAccount): Record<string, string> {
  const { path = [], environment = {} } = artifact?.runtime ?? {};
  const usual = account.environment['PATH'];
  const all = [...path, ...(usual === undefined ? [] : [usual])];
  return { ...account.environment, ...environment, ...(all.length === 0 ? {} : { PATH: all.join(':') }) };
}

/** Pure: the run of a job. Its slot tells programs which of the moments of the schedule they stand for. */
export function jobRun(input: {
  job: Pick<JobRow, 'id' | 'service' | 'slot'>;
  command: string;
  release: ReleaseRow;
  variables: readonly ResolvedVariable[];
  account: ServiceAccount;
  disk: AttachedDisk | null;
}): RunSpec {
  const { job, command, release, account } = input;
  const { environment, mount } = seenByRun(input.disk);
  return {
    id: job.id,
    service: job.service,
    directory: workingFolder(release, account),
    command,
    environment: {
      ...surroundings(release, account),
      ...declared(input.variables),
      ...identity(release),
      ...environment,
      KAPAL_INSTANCE: job.id,
      ...(job.slot === null ? {} : { KAPAL_SLOT: new Date(job.slot).toISOString() }),
    },
    ...mount,
    port: null,
    memoryLimit: release.spec.memoryLimit,
    niceness: 0,
  };
}

/** The shell text of a job: its own, the hook's, or what the release is started by. */
export function commandOf(
  { id, cause, command }: JobRow,
  { release, vault }: { readonly release: ReleaseRow; readonly vault: Vault },
): string {
  const argv = argvOf({ id, command }, vault);
  if (argv !== null) return `exec ${argv.map(quoted).join(' ')}`;
  return (cause === 'hook' ? release.spec.commands.initialDeploy : release.spec.commands.start) ?? '';
}

/** Program and arguments that a job was given; null for what is declared. */
export function argvOf({ id, command }: Pick<JobRow, 'id' | 'command'>, vault: Vault): readonly string[] | null {
  if (command === null) return null;
  const argv: unknown = JSON.parse(vault.open(command, jobContext(id)).reveal());
  return Array.isArray(argv) ? argv.map(String) : null;
}

/** What the command of a job is sealed for. */
export function jobContext(id: string): SealContext {
  return { owner: `job ${id}`, key: 'command' };
}

export function declared(variables: readonly ResolvedVariable[]): Record<string, string> {
  return Object.fromEntries(variables.map(({ key, value }) => [key, value]));
}

/** Values that logs must not show. Short ones are left: masking `1` or `true` would ruin every line. */
export function masksOf(variables: readonly ResolvedVariable[]): string[] {
  return variables
    .filter((variable) => variable.secret && variable.value.length >= 6)
    .map((variable) => variable.value);
}

function workingFolder(release: ReleaseRow, account: ServiceAccount): string {
  return release.artifact === null ? account.home : join(release.artifact.path, release.spec.rootDir);
}

function identity(release: ReleaseRow): Record<string, string> {
  return { KAPAL_SERVICE: release.spec.name, KAPAL_RELEASE: String(release.number) };
}
