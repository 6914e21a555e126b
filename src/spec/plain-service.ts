import { defaults, type ServiceSpec } from './spec.ts';

/** A service with every default, and what is known of it on top. */
export function plainService(
  known: Pick<ServiceSpec, 'name' | 'type' | 'runtime'> & Partial<ServiceSpec>,
): ServiceSpec {
  const { name, type, runtime, ...more } = known;
  return {
    name,
    type,
    runtime,
    rootDir: '.',
    commands: { build: null, preDeploy: null, start: null },
    publishPath: null,
    groups: [],
    variables: [],
    health: { path: null, ...defaults.health },
    instances: defaults.instances,
    startTimeout: defaults.startTimeout,
    shutdownDelay: defaults.shutdownDelay,
    memoryLimit: null,
    domains: [],
    edge: { ...defaults.edge },
    rollout: { strategy: 'rolling', maxSurge: 1 },
    upstreams: [],
    static: known.type === 'static' ? { fallback: null } : null,
    build: { ...defaults.build, memoryLimit: null },
    autoDeploy: { on: true, paths: [], ignoredPaths: [] },
    ...more,
  };
}
