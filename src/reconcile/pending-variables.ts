import { serviceId, type ServiceKey } from '../model/service.ts';
import type { Dependencies } from './dependencies.ts';
import { storeVariable } from './variables.ts';
import { variableContext } from './vaulting.ts';

/** Owner of values that were set before the service's first deploy, without a project: `@` cannot stand in a project's name. */
export function pendingOwner(key: Pick<ServiceKey, 'environment' | 'service'>): string {
  return `@new/${key.environment}/${key.service}`;
}

/** Gives a new service the values that waited for it. Part of the caller's transaction. */
export function adoptPending(needs: Dependencies, key: ServiceKey): void {
  const { store, vault } = needs;
  const from = pendingOwner(key);
  for (const row of store.variables.of(from)) {
    const value = vault.open(row.sealed, variableContext(from, row.key)).reveal();
    if (store.variables.get(serviceId(key), row.key) === null)
      storeVariable(needs, { owner: serviceId(key), key: row.key, value, source: 'set' });
    store.variables.unset(from, row.key);
  }
}
