import { defaults, type ServiceSpec, type UpstreamSpec } from '../spec/spec.ts';
import type { Aspect } from './aspect.ts';
import { cronAspects } from './cron-aspects.ts';
import { edgeAspects } from './edge-aspects.ts';
import { list, quoted, seconds, size } from './said.ts';

/**
 * Everything of a service but its variables, whose values reach the fingerprint as a digest. What acts on the edge, on the number of instances or on
 * the next rollout and build alone is taken over while the release stays.
 */
export const aspects: readonly Aspect[] = [
  { field: 'type', release: true, said: (spec) => spec.type },
  { field: 'runtime', release: true, said: (spec) => spec.runtime ?? 'none' },
  { field: 'rootDir', release: true, said: (spec) => spec.rootDir },
  { field: 'buildCommand', release: true, said: (spec) => quoted(spec.commands.build) },
  { field: 'preDeployCommand', release: true, said: (spec) => quoted(spec.commands.preDeploy) },
  { field: 'startCommand', release: true, said: (spec) => quoted(spec.commands.start) },
  // It runs once in the life of a service, so that another one makes no release.
  { field: 'initialDeployHook', release: false, said: (spec) => quoted(spec.commands.initialDeploy ?? null) },
  { field: 'staticPublishPath', release: true, said: (spec) => quoted(spec.publishPath) },
  { field: 'staticFallback', release: true, said: (spec) => quoted(spec.static?.fallback ?? null) },
  { field: 'healthCheckPath', release: true, said: (spec) => spec.health.path ?? 'none' },
  {
    field: 'healthCheck.content',
    release: true,
    said: (spec) => quoted(spec.health.content ?? null),
    silent: 'none',
  },
  {
    field: 'port',
    release: true,
    said: ({ port }) => (port === undefined ? 'as PORT says' : String(port)),
    silent: 'as PORT says',
  },
  { field: 'memoryLimit', release: true, said: (spec) => size(spec.memoryLimit) },
  {
    field: 'disk',
    release: true,
    said: ({ disk }) =>
      disk === undefined ? 'none' : `${disk.name} at ${disk.mountPath}${disk.shared === true ? ', shared' : ''}`,
  },
  // Of a service without one the default, so that a new disk does not say its size twice.
  {
    field: 'disk.sizeGB',
    release: false,
    said: ({ disk }) => String(disk === undefined ? defaults.disk.sizeGB : disk.size / 1024 ** 3),
  },
  { field: 'upstreams', release: true, said: (spec) => list(spec.upstreams.map(upstream)) },
  ...cronAspects,
  { field: 'numInstances', release: false, said: (spec) => String(spec.instances) },
  { field: 'domains', release: false, said: (spec) => list(spec.domains.toSorted()) },
  ...edgeAspects,
  { field: 'healthCheck.intervalSeconds', release: false, said: (spec) => seconds(spec.health.interval) },
  { field: 'healthCheck.timeoutSeconds', release: false, said: (spec) => seconds(spec.health.timeout) },
  { field: 'rollout.strategy', release: false, said: (spec) => spec.rollout.strategy },
  { field: 'rollout.maxSurge', release: false, said: (spec) => String(spec.rollout.maxSurge) },
  { field: 'startTimeoutSeconds', release: false, said: (spec) => seconds(spec.startTimeout) },
  { field: 'maxShutdownDelaySeconds', release: false, said: (spec) => seconds(spec.shutdownDelay) },
  { field: 'autoDeployTrigger', release: false, said: (spec) => (spec.autoDeploy.on ? 'commit' : 'off') },
  { field: 'buildFilter.paths', release: false, said: (spec) => list(spec.autoDeploy.paths) },
  { field: 'buildFilter.ignoredPaths', release: false, said: (spec) => list(spec.autoDeploy.ignoredPaths) },
  { field: 'build.timeoutSeconds', release: false, said: (spec) => seconds(spec.build.timeout) },
  { field: 'build.memoryLimit', release: false, said: (spec) => size(spec.build.memoryLimit) },
  { field: 'build.diskLimit', release: false, said: (spec) => size(spec.build.diskLimit ?? null) },
  {
    field: 'build.processLimit',
    release: false,
    said: (spec) => String(spec.build.processLimit ?? defaults.buildProcesses),
  },
];

/** `numInstances: 2 -> 3` for each of the given aspects that differs. */
export function differences(
  old: ServiceSpec,
  next: ServiceSpec,
  which: readonly Aspect[] = aspects,
): readonly string[] {
  return which.flatMap(({ field, said }) => {
    const [before, after] = [said(old), said(next)];
    return before === after ? [] : [`${field}: ${before} -> ${after}`];
  });
}

function upstream({ host, port, weight }: UpstreamSpec): string {
  const address = host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
  return weight === 1 ? address : `${address} (weight ${weight})`;
}
