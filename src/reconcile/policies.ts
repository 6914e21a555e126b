import type { BasicUser, Policy } from '../edge/policy.ts';
import type { ServiceId } from '../model/service.ts';
import type { PolicySpec } from '../spec/edge-spec.ts';
import { defaults, type ServiceSpec } from '../spec/spec.ts';

/** Pure: what the edge asks of requests for a service; null where that is nothing, so that requests pay nothing. */
export function policyOf(id: ServiceId, spec: ServiceSpec, users: readonly BasicUser[]): Policy | null {
  const { gzip, maintenance, basicAuth, ...rest }: PolicySpec = spec.edge.policy ?? {};
  const compresses = gzip ?? spec.type === 'static';
  const policy: Policy = {
    id,
    ...rest,
    ...(maintenance === true ? { maintenance: defaults.maintenance } : {}),
    // Without a user whose password is known nobody gets in, rather than everybody.
    ...(basicAuth === undefined ? {} : { basicAuth: { realm: basicAuth.realm, users } }),
    ...(compresses ? { gzip: true } : {}),
  };
  return Object.keys(policy).length === 1 ? null : policy;
}
