import { hasInstances } from '../model/service.ts';
import { isAlone, type ServiceSpec, type Spec, type VariableSpec } from '../spec/spec.ts';
import { aspects, differences } from './aspects.ts';
import { canonicalJson, liveChanges } from './fingerprint.ts';

/** A service as the record has it. */
export interface ExistingService {
  readonly name: string;
  /** What is declared now, its variables included. */
  readonly spec: ServiceSpec;
  /** `kapal scale`; `null` when the declared number holds. */
  readonly scale: number | null;
  /** The release that serves. */
  readonly current: number | null;
}

export interface PlanInput {
  readonly spec: Spec;
  readonly environment: string;
  readonly existing: readonly ExistingService[];
  /** Only this service. */
  readonly only?: string | undefined;
}

export interface Plan {
  readonly project: string;
  readonly environment: string;
  readonly changes: readonly PlannedChange[];
}

/**
 * create: it has no release yet. update: the declaration changed, and perhaps needs a release. scale: only the number of instances
 * changes. vanished: the declaration does not name it; it runs on until it is pruned.
 */
export interface PlannedChange {
  readonly service: string;
  readonly action: 'create' | 'update' | 'unchanged' | 'scale' | 'vanished';
  /** `['startCommand: "npm start" -> "node server.js"', ...]`; never a variable's value. */
  readonly reasons: readonly string[];
}

/**
 * What a deploy would change by the declaration alone, and why; whether the code changed is for who knows it. Services stand in the order of
 * the declaration, vanished ones behind them by name.
 */
export function plan({ spec, environment, existing, only }: PlanInput): Plan {
  const known = new Map(existing.map((service) => [service.name, service]));
  const declared = spec.services.filter((service) => only === undefined || service.name === only);
  const changes = declared.map((service) => changeOf(service, known.get(service.name) ?? null, spec));
  return {
    project: spec.project,
    environment,
    changes: [...changes, ...(only === undefined ? vanished(spec, existing) : [])],
  };
}

function changeOf(declared: ServiceSpec, existing: ExistingService | null, spec: Spec): PlannedChange {
  const service = declared.name;
  if (existing === null)
    return { service, action: 'create', reasons: [`new service of type ${declared.type}, ${originOf(spec)}`] };
  if (existing.current === null) return { service, action: 'create', reasons: ['no release of it has gone live yet'] };
  const release = differences(
    existing.spec,
    declared,
    aspects.filter((aspect) => aspect.release),
  );
  const variables = variableChanges(existing.spec, declared);
  const live = liveChanges(existing.spec, declared);
  const number = numberOf(declared, existing);
  const others = live
    .filter((reason) => !reason.startsWith('numInstances:'))
    .map((reason) => `${reason} (without a new release)`);
  const handOver = release.length + variables.length > 0 ? handOverOf(declared, existing.spec) : [];
  const reasons = [...release, ...variables, ...others, ...handOver];
  if (reasons.length > 0) return { service, action: 'update', reasons: [...reasons, ...number.reasons] };
  return { service, action: number.changes ? 'scale' : 'unchanged', reasons: number.reasons };
}

/** What a new release of a service with a disk costs its visitors. */
export function handOverOf(declared: ServiceSpec, current: ServiceSpec): readonly string[] {
  if (!isAlone(declared) && !isAlone(current)) return [];
  return ['it has a disk: what runs is stopped before the new release starts, and visitors wait in between'];
}

/** `kapal scale` holds until the declared number changes; then that number counts again. */
function numberOf(
  declared: ServiceSpec,
  { spec, scale }: ExistingService,
): { changes: boolean; reasons: readonly string[] } {
  if (!hasInstances(declared.type)) return { changes: false, reasons: [] };
  const [before, after] = [spec.instances, declared.instances];
  const scaled = scale !== null && scale !== before;
  if (before === after) {
    return {
      changes: false,
      reasons: scaled
        ? [`numInstances: ${before} is declared, ${scale} run by kapal scale until the declared number changes`]
        : [],
    };
  }
  const replaced = scaled ? ` (${scale} run by kapal scale, which ends)` : '';
  return { changes: true, reasons: [`numInstances: ${before} -> ${after}${replaced}`] };
}

/** By key alone: a value may be secret wherever it comes from. */
function variableChanges(old: ServiceSpec, next: ServiceSpec): string[] {
  const before = byKey(old.variables);
  const after = byKey(next.variables);
  const keys = [...new Set([...before.keys(), ...after.keys()])].toSorted();
  const changes = keys.flatMap((key) => {
    const [was, is] = [before.get(key), after.get(key)];
    if (was === is) return [];
    return [`envVars: ${key} ${was === undefined ? 'added' : is === undefined ? 'removed' : 'changed'}`];
  });
  const [were, are] = [old.groups.join(', ') || 'none', next.groups.join(', ') || 'none'];
  return were === are ? changes : [...changes, `groups: ${were} -> ${are}`];
}

function byKey(variables: readonly VariableSpec[]): ReadonlyMap<string, string> {
  return new Map(variables.map(({ key, value }) => [key, canonicalJson(value)]));
}

function vanished(spec: Spec, existing: readonly ExistingService[]): PlannedChange[] {
  const declared = new Set(spec.services.map((service) => service.name));
  return existing
    .filter((service) => !declared.has(service.name))
    .toSorted((a, b) => (a.name < b.name ? -1 : 1))
    .map((service) => ({
      service: service.name,
      action: 'vanished',
      reasons: [`${spec.origin.file} does not name it any more; it runs on until kapal deploy --prune`],
    }));
}

function originOf({ origin }: Spec): string {
  if (origin.kind === 'declared') return `declared in ${origin.file}`;
  return `detected from ${origin.file}${origin.why === undefined ? '' : ` (${origin.why})`}`;
}
