import type { DeployRequest } from '../../api/contract/types.ts';
import { type ServiceId, serviceKey } from '../../model/service.ts';
import type { Spec } from '../../spec/spec.ts';
import type { Dependencies } from '../dependencies.ts';

/** Services of the project and environment that the declaration does not name any more. With `--service` nothing counts as vanished. */
export function vanishedServices(
  needs: Pick<Dependencies, 'store'>,
  spec: Spec,
  request: Pick<DeployRequest, 'environment' | 'service'>,
): ServiceId[] {
  if (request.service !== undefined) return [];
  const declared = new Set(spec.services.map((service) => service.name));
  return needs.store.services
    .all()
    .filter((row) => {
      const key = serviceKey(row.id);
      return (
        key.project === spec.project &&
        key.environment === request.environment &&
        !declared.has(key.service) &&
        !row.removing
      );
    })
    .map((row) => row.id);
}
