import { KapalError } from '../model/errors.ts';
import type { GroupSpec, ServiceProperty, ServiceSpec, VariableSpec } from '../spec/spec.ts';

/** Where a resolved value came from, for `kapal env list` and for masking. */
export type ValueSource = 'declared' | 'set' | 'generated' | `group ${string}` | `service ${string}`;

export interface ResolvedVariable {
  readonly key: string;
  readonly value: string;
  readonly source: ValueSource;
  /** Secret values are masked in logs: what was set, generated or prompted for. */
  readonly secret: boolean;
}

/** What resolving needs to know of the world; all of it plain look-ups. */
export interface VariableWorld {
  /** A value that was set or generated for the service (`owner` null) or a group, or null. */
  stored(group: string | null, key: string): { readonly value: string; readonly source: 'set' | 'generated' } | null;
  /** All keys set on the service by `kapal env set`. */
  storedKeys(): readonly string[];
  /** Where another service of the same project is reached; null when there is none. */
  property(service: string, property: ServiceProperty): string | null;
  /** A variable of another service; null when it has none. */
  variableOf(service: string, key: string): string | null;
  /** Makes, stores and answers a value for `generateValue: true`. */
  generate(group: string | null, key: string): string;
}

export interface Environment {
  readonly variables: readonly ResolvedVariable[];
  /** Declared with `sync: false` and never set, or named as a password and not there. */
  readonly missing: readonly string[];
}

/**
 * The variables of one service: its groups in order, then its own, then what `kapal env set` gave it; the later wins. Throws
 * `declaration_invalid` for a reference to what does not exist.
 */
export function resolveEnvironment(spec: ServiceSpec, groups: readonly GroupSpec[], world: VariableWorld): Environment {
  const found = new Map<string, ResolvedVariable>();
  const missing = new Set<string>();
  const take = (variable: VariableSpec, group: string | null) => {
    const resolved = resolveOne(variable, group, world);
    missing.delete(variable.key);
    if (resolved === null) missing.add(variable.key);
    else found.set(variable.key, resolved);
  };
  for (const name of spec.groups) {
    for (const variable of groups.find((group) => group.name === name)?.variables ?? []) take(variable, name);
  }
  for (const variable of spec.variables) take(variable, null);
  for (const key of world.storedKeys()) {
    const stored = world.stored(null, key);
    if (stored?.source !== 'set') continue;
    missing.delete(key);
    found.set(key, { key, value: stored.value, source: 'set', secret: true });
  }
  for (const { variable } of spec.edge.policy?.basicAuth?.users ?? []) {
    // An empty password would let in everybody who knows the name.
    if ((found.get(variable)?.value ?? '') === '') missing.add(variable);
  }
  return { variables: [...found.values()].toSorted((a, b) => (a.key < b.key ? -1 : 1)), missing: [...missing] };
}

function resolveOne(variable: VariableSpec, group: string | null, world: VariableWorld): ResolvedVariable | null {
  const { key, value } = variable;
  const source: ValueSource = group === null ? 'declared' : `group ${group}`;
  switch (value.kind) {
    case 'literal':
      return { key, value: value.text, source, secret: false };
    case 'generated':
      return {
        key,
        value: world.stored(group, key)?.value ?? world.generate(group, key),
        source: group === null ? 'generated' : source,
        secret: true,
      };
    case 'prompt': {
      const stored = world.stored(group, key);
      return stored === null
        ? null
        : { key, value: stored.value, source: group === null ? 'set' : source, secret: true };
    }
    case 'service':
      return {
        key,
        value: known(world.property(value.service, value.property), key, value.service),
        source: `service ${value.service}`,
        secret: false,
      };
    case 'service-variable':
      return {
        key,
        value: known(world.variableOf(value.service, value.key), key, value.service),
        source: `service ${value.service}`,
        secret: true,
      };
  }
}

function known(value: string | null, key: string, service: string): string {
  if (value !== null) return value;
  throw new KapalError(
    'declaration_invalid',
    `variable ${key} takes a value from service ${service}, which does not offer it`,
    {
      hint: 'Host and port exist for services of type web and pserv; a variable must be declared or set there.',
    },
  );
}
