import { defaults, type HealthSpec, type ServiceSpec, type Spec, type VariableSpec } from '../spec.ts';
import { serving } from '../language/php/supervisor.ts';
import { Draft, type DraftVariable, type Plain } from './draft.ts';
import type { Notes, Origin } from './note.ts';

export type Guessed = Pick<Spec, 'services' | 'groups' | 'told' | 'origin'>;

/** The kapal.yaml that says what was guessed, each field with the place that told it. Only what a detection can yield is written: `draftedFields`. */
export function draftOf({ services, groups, told, origin }: Guessed, notes: Notes): Draft {
  const draft = new Draft(notes);
  const places = new Map(
    told.map(({ service, field, file, line, why }): [string, Origin] => [
      `${service ?? ''} ${field}`,
      { file, field: why, line: line ?? 1, column: 1 },
    ]),
  );
  const whole: Origin = { file: origin.file, field: '', line: 1, column: 1 };
  for (const service of services) {
    const placeOf = (field: string): Origin => places.get(`${service.name} ${field}`) ?? whole;
    const written = draft.service(service.name, service.type, whole);
    if (written === null) continue;
    for (const [field, value] of fieldsOf(service)) written.set(field, value, placeOf(field));
    for (const group of service.groups) written.take(group);
    for (const { key, entry } of variablesOf(service.variables))
      written.variable({ key, ...entry }, placeOf(`envVars.${key}`));
  }
  const [group] = groups;
  if (group !== undefined)
    draft.shared = {
      name: group.name,
      variables: variablesOf(group.variables).map((one) => ({
        ...one,
        origin: places.get(` envVars.${one.key}`) ?? null,
      })),
    };
  return draft;
}

/** Fields of a service, as kapal.yaml calls them, that a draft of a spec holds. */
export const draftedFields: ReadonlySet<string> = new Set([
  'rootDir',
  'buildCommand',
  'preDeployCommand',
  'initialDeployHook',
  'startCommand',
  'schedule',
  'overlap',
  'staticPublishPath',
  'staticFallback',
  'envVars',
  'healthCheckPath',
  'healthCheck.content',
  'healthCheck',
  'numInstances',
  'startTimeoutSeconds',
  'disk',
  'disk.shared',
]);

function fieldsOf(service: ServiceSpec): readonly (readonly [string, Plain])[] {
  const { runtime, rootDir, commands, cron, publishPath, health, instances, startTimeout } = service;
  const overlap = cron === undefined || cron.overlap === defaults.cron.overlap ? null : cron.overlap;
  const fields: Readonly<Record<string, Plain | null>> = {
    runtime,
    rootDir: rootDir === '.' ? null : rootDir,
    buildCommand: commands.build,
    preDeployCommand: commands.preDeploy,
    initialDeployHook: commands.initialDeploy ?? null,
    // What the build of PHP writes needs no name in a file.
    startCommand: commands.start === serving ? null : commands.start,
    schedule: cron?.schedule ?? null,
    overlap,
    staticPublishPath: publishPath,
    staticFallback: service.static?.fallback ?? null,
    healthCheckPath: health.path,
    healthCheck: healthOf(health),
    numInstances: instances === defaults.instances ? null : instances,
    disk: diskOf(service),
    startTimeoutSeconds: startTimeout === defaults.startTimeout ? null : startTimeout / 1000,
  };
  return Object.entries(fields).flatMap(([name, value]) => (value === null ? [] : [[name, value] as const]));
}

/** In a file it is counted from rootDir. */
function diskOf({ disk, rootDir }: ServiceSpec): Plain | null {
  if (disk === undefined) return null;
  const { name, mountPath, size, shared } = disk;
  const sizeGB = size / 1024 ** 3;
  return {
    name,
    mountPath: mountPath.startsWith(`${rootDir}/`) ? mountPath.slice(rootDir.length + 1) : mountPath,
    ...(sizeGB === defaults.disk.sizeGB ? {} : { sizeGB }),
    ...(shared === true ? { shared } : {}),
  };
}

function healthOf({ content, interval, timeout }: HealthSpec): Plain | null {
  const said = {
    ...(content === undefined ? {} : { content }),
    ...(interval === defaults.health.interval ? {} : { intervalSeconds: interval / 1000 }),
    ...(timeout === defaults.health.timeout ? {} : { timeoutSeconds: timeout / 1000 }),
  };
  return Object.keys(said).length === 0 ? null : said;
}

/** References between services are in no file that is detected. */
function variablesOf(variables: readonly VariableSpec[]): readonly Omit<DraftVariable, 'origin'>[] {
  return variables.map(({ key, value }): Omit<DraftVariable, 'origin'> => {
    switch (value.kind) {
      case 'literal':
        return { key, entry: { key, value: value.text } };
      case 'generated':
        return { key, entry: { key, generateValue: true } };
      case 'prompt':
        return { key, entry: { key, sync: false } };
      case 'service':
      case 'service-variable':
        throw new Error(`a variable of a detected service refers to ${value.service}`);
    }
  });
}
