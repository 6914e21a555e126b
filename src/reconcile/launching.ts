import { join } from 'node:path';
import type { InstanceRow, ReleaseRow } from '../state/records.ts';
import type { RunSpec, ServiceAccount } from '../runtime/port.ts';
import type { ResolvedVariable } from '../release/environment.ts';
import { type AttachedDisk, seenByRun } from './disks.ts';
import { runOf } from './routing.ts';

/** Pure: the run of an instance's present attempt. What Kapal gives wins over what was declared. */
export function instanceRun(input: {
  instance: InstanceRow;
  release: ReleaseRow;
  variables: readonly ResolvedVariable[];
  account: ServiceAccount;
  disk: AttachedDisk | null;
}): RunSpec {
  const { instance, release, account } = input;
  const { environment, mount } = seenByRun(input.disk);
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
      KAPAL_INSTANCE: instance.id,
    },
    ...mount,
    port: instance.port,
    memoryLimit: release.spec.memoryLimit,
    niceness: 0,
  };
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
    id: `${input.rollout}.predeploy`,
    service: release.service,
    directory: workingFolder(release, account),
    command: release.spec.commands.preDeploy ?? '',
    environment: {
      ...surroundings(release, account),
      ...declared(input.variables),
      ...identity(release),
      ...environment,
      KAPAL_INSTANCE: `${input.rollout}.predeploy`,
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
