import type { ServiceId } from '../../model/service.ts';
import type { ServiceSpec } from '../../spec/spec.ts';
import type { Dependencies } from '../dependencies.ts';
import { sealedSpec } from './acknowledge.ts';

/**
 * Puts a declaration in force for the fields that need no new release (instances, domains, edge policy); for a release that went live, its whole
 * spec. `kapal scale` holds until the declared number changes. Part of the caller's transaction.
 */
export function adoptLiveFields(needs: Pick<Dependencies, 'store'>, service: ServiceId, spec: ServiceSpec): void {
  const row = needs.store.services.get(service);
  if (row === null) return;
  const scale = row.spec.instances === spec.instances ? row.scale : null;
  needs.store.services.update(service, { spec: sealedSpec(spec), scale });
  needs.store.domains.declare(service, spec.domains);
}
