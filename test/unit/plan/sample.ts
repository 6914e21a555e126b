import { plainService } from '../../../src/spec/plain-service.ts';
import type { ServiceSpec, Spec } from '../../../src/spec/spec.ts';
import type { ExistingService } from '../../../src/plan/plan.ts';

export function service(change: Partial<ServiceSpec> = {}): ServiceSpec {
  return {
    ...plainService({
      name: 'api',
      type: 'web',
      runtime: 'node',
      commands: { build: null, preDeploy: null, start: 'npm start' },
    }),
    ...change,
  };
}

export function specOf(services: readonly ServiceSpec[], change: Partial<Spec> = {}): Spec {
  return {
    project: 'shop',
    services,
    groups: [],
    origin: { kind: 'declared', file: 'kapal.yaml' },
    told: [],
    warnings: [],
    ...change,
  };
}

export function existing(spec: ServiceSpec, change: Partial<ExistingService> = {}): ExistingService {
  return { name: spec.name, spec, scale: null, current: 1, ...change };
}
