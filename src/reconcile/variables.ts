import { serviceId, type ServiceKey } from '../model/service.ts';
import {
  type Environment,
  type ResolvedVariable,
  resolveEnvironment,
  type VariableWorld,
} from '../release/environment.ts';
import type { GroupSpec, ServiceProperty, ServiceSpec } from '../spec/spec.ts';
import type { VariableRow } from '../state/records.ts';
import { urlOf } from '../release/hosts.ts';
import type { Dependencies } from './dependencies.ts';
import { openVariables, variableContext } from './vaulting.ts';

type Needs = Pick<Dependencies, 'store' | 'vault' | 'random' | 'settings'>;

/** What stands beside a service in its declaration. */
export interface Declared {
  readonly groups: readonly GroupSpec[];
  readonly services: readonly ServiceSpec[];
}

/** Resolves a service's variables against the record. Generated values are stored before they are answered. */
export function resolveVariables(
  needs: Needs,
  input: { key: ServiceKey; spec: ServiceSpec; beside: Declared },
): Environment {
  const { key, spec, beside } = input;
  return resolveEnvironment(spec, beside.groups, worldOf(needs, key, beside));
}

/** The owner of a group's stored values; `@` cannot stand in a service's name. */
export function groupOwner(key: Pick<ServiceKey, 'project' | 'environment'>, group: string): string {
  return `${key.project}/${key.environment}/@${group}`;
}

export function storeVariable(needs: Needs, row: Omit<VariableRow, 'sealed'> & { readonly value: string }): void {
  const { value, ...rest } = row;
  needs.store.variables.set({ ...rest, sealed: needs.vault.seal(value, variableContext(row.owner, row.key)) });
}

function worldOf(needs: Needs, key: ServiceKey, beside: Declared): VariableWorld {
  const { store, vault } = needs;
  const owner = (group: string | null) => (group === null ? serviceId(key) : groupOwner(key, group));
  const stored: VariableWorld['stored'] = (group, name) => {
    const row = store.variables.get(owner(group), name);
    return row === null
      ? null
      : { value: vault.open(row.sealed, variableContext(row.owner, name)).reveal(), source: row.source };
  };
  return {
    stored,
    storedKeys: () => store.variables.of(owner(null)).map((row) => row.key),
    property: (service, property) => propertyOf(needs, { ...key, service }, property),
    variableOf: (service, name) => variableOf(needs, { key: { ...key, service }, name, beside }),
    generate(group, name) {
      const value = Buffer.from(needs.random.bytes(32)).toString('base64');
      storeVariable(needs, { owner: owner(group), key: name, value, source: 'generated' });
      return value;
    },
  };
}

function propertyOf({ store, settings }: Needs, key: ServiceKey, property: ServiceProperty): string | null {
  const row = store.services.get(serviceId(key));
  if (row === null) return null;
  if (property === 'url') return row.host === null ? null : urlOf(row.host, settings.httpPort);
  if (row.privatePort === null) return null;
  switch (property) {
    case 'host':
      return '127.0.0.1';
    case 'port':
      return String(row.privatePort);
    case 'hostport':
      return `127.0.0.1:${row.privatePort}`;
  }
}

/** In the declaration at hand first: on a first deploy the other service has no release yet. Cycles were refused when it was read. */
function variableOf(needs: Needs, input: { key: ServiceKey; name: string; beside: Declared }): string | null {
  const { key, name, beside } = input;
  const { store, vault } = needs;
  const sibling = beside.services.find((service) => service.name === key.service);
  if (sibling !== undefined) return valueOf(resolveVariables(needs, { key, spec: sibling, beside }).variables, name);
  const id = serviceId(key);
  const row = store.services.get(id);
  const release = row === null || row.current === null ? null : store.releases.get(id, row.current);
  return release === null ? null : valueOf(openVariables(vault, release).resolved, name);
}

function valueOf(variables: readonly ResolvedVariable[], name: string): string | null {
  return variables.find((variable) => variable.key === name)?.value ?? null;
}
