import type { Noise } from '../noise.ts';
import { type JobKind, type ServerKind, serverKinds } from './programs.ts';

/** What stays the same of a service over all its releases. Seconds. */
export interface Shape {
  readonly name: string;
  readonly type: 'web' | 'worker' | 'static';
  readonly health: boolean;
  readonly strategy: 'rolling' | 'blue-green';
  readonly maxSurge: number;
  readonly startTimeout: number;
  readonly shutdownDelay: number;
  /** It has a disk, which one run at a time may use. */
  readonly disk: boolean;
}

/** What one declaration says of a service beyond its shape. */
export interface Variant {
  readonly version: number;
  readonly instances: number;
  readonly serve: ServerKind;
  readonly boot: number;
  readonly build: JobKind | null;
  readonly migrate: JobKind | null;
  /** A declared value that must not leak. */
  readonly token: string;
}

const names = ['api', 'shop', 'jobs', 'docs'] as const;

export function shapes(noise: Noise): Shape[] {
  const count = noise.pick(1, 1, 2, 2, 3);
  return names.slice(0, count).map((name, index) => ({
    name,
    type: index === 0 ? 'web' : noise.pick('web', 'worker', 'static'),
    health: noise.chance(0.5),
    strategy: noise.pick('rolling', 'rolling', 'blue-green'),
    maxSurge: noise.between(1, 2),
    startTimeout: noise.between(3, 6),
    shutdownDelay: noise.between(1, 3),
    disk: noise.chance(0.2),
  }));
}

export function goodVariant(noise: Noise, version: number): Variant {
  return {
    version,
    instances: noise.between(1, 3),
    serve: 'good',
    boot: noise.between(20, 900),
    build: noise.pick(null, 'ok'),
    migrate: noise.pick(null, null, null, 'ok'),
    token: `planted-declared-${version}`,
  };
}

export function anyVariant(noise: Noise, version: number): Variant {
  const good = goodVariant(noise, version);
  const broken = noise.between(0, 9);
  if (broken < 5) return good;
  if (broken < 8) return { ...good, serve: noise.pick(...serverKinds), boot: noise.between(20, 2_500) };
  if (broken < 9) return { ...good, build: noise.pick('fail', 'hang', 'ok') };
  return { ...good, migrate: noise.pick('fail', 'hang', 'ok') };
}

export function declarationOf(services: readonly { readonly shape: Shape; readonly variant: Variant }[]): string {
  return `project: shop\nservices:\n${services.map(serviceText).join('')}`;
}

function serviceText({ shape, variant }: { readonly shape: Shape; readonly variant: Variant }): string {
  const build = variant.build === null ? [] : [`buildCommand: make ${variant.build} ${variant.boot}`];
  const environment = `envVars: [{key: VERSION, value: "${variant.version}"}, {key: TOKEN, value: ${variant.token}}]`;
  if (shape.type === 'static')
    return fields(['type: static', `name: ${shape.name}`, ...build, 'staticPublishPath: public', environment]);
  return fields([
    `type: ${shape.type}`,
    `name: ${shape.name}`,
    'runtime: node',
    ...build,
    ...(variant.migrate === null ? [] : [`preDeployCommand: migrate ${variant.migrate} ${variant.boot}`]),
    `startCommand: serve ${variant.serve} ${variant.boot}`,
    ...(shape.health && shape.type === 'web' ? ['healthCheckPath: /healthz'] : []),
    ...(shape.disk
      ? ['disk: {name: data, mountPath: data}']
      : [`numInstances: ${variant.instances}`, `rollout: {strategy: ${shape.strategy}, maxSurge: ${shape.maxSurge}}`]),
    `startTimeoutSeconds: ${shape.startTimeout}`,
    `maxShutdownDelaySeconds: ${shape.shutdownDelay}`,
    'build: {timeoutSeconds: 20}',
    environment,
  ]);
}

function fields(lines: readonly string[]): string {
  return lines.map((line, index) => `  ${index === 0 ? '-' : ' '} ${line}\n`).join('');
}
