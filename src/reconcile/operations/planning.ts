import type { DeployRequest, PlanChange, PlanDocument } from '../../api/contract/types.ts';
import { serviceId, serviceKey } from '../../model/service.ts';
import { type ExistingService, handOverOf } from '../../plan/plan.ts';
import type { ServiceSpec, Spec } from '../../spec/spec.ts';
import type { Dependencies } from '../dependencies.ts';
import { openVariables } from '../vaulting.ts';
import { wantedServices } from './acknowledge.ts';
import { vanishedServices } from './vanished.ts';

/** What a deploy of this declaration would change, and why. Reads only. */
export function planDocument(
  needs: Dependencies,
  input: { spec: Spec; request: DeployRequest; digest: string },
): PlanDocument {
  const { spec, request } = input;
  wantedServices(spec, request.service);
  const planned = needs.decisions.plan({
    spec,
    environment: request.environment,
    existing: existingServices(needs, spec, request),
    ...(request.service === undefined ? {} : { only: request.service }),
  });
  const vanished = new Set(vanishedServices(needs, spec, request).map((id) => serviceKey(id).service));
  return {
    project: spec.project,
    environment: request.environment,
    origin: spec.origin.kind === 'declared' ? spec.origin.file : `${spec.origin.file} (detected)`,
    warnings: spec.warnings.map(({ message, file, line, column }) => `${file}:${line}:${column}: ${message}`),
    changes: planned.changes
      .filter((change) => change.action !== 'vanished' || vanished.has(change.service))
      .map((change) => withSource(needs, { ...input, change }))
      .map((change) =>
        change.action === 'vanished' && request.prune === true ? { ...change, action: 'remove' } : change,
      ),
  };
}

/** What a declaration cannot show: that the code changed. */
function withSource(
  needs: Dependencies,
  input: { change: PlanChange; spec: Spec; request: DeployRequest; digest: string },
): PlanChange {
  const { change, spec, request } = input;
  if (change.action !== 'unchanged' && change.action !== 'update' && change.action !== 'scale') return change;
  const declared = spec.services.find((service) => service.name === change.service);
  const id = serviceId({ project: spec.project, environment: request.environment, service: change.service });
  const row = needs.store.services.get(id);
  const current = row === null || row.current === null ? null : needs.store.releases.get(id, row.current);
  if (current === null || declared?.type === 'proxy' || current.source?.digest === input.digest) return change;
  const handOver = declared === undefined ? [] : handOverOf(declared, current.spec);
  const reasons = [...change.reasons.filter((reason) => !handOver.includes(reason)), 'the code changed', ...handOver];
  return { ...change, action: 'update', reasons };
}

function existingServices(needs: Dependencies, spec: Spec, request: DeployRequest): ExistingService[] {
  return needs.store.services
    .all()
    .filter((row) => {
      const key = serviceKey(row.id);
      return key.project === spec.project && key.environment === request.environment && !row.removing;
    })
    .map((row) => {
      const release = row.current === null ? null : needs.store.releases.get(row.id, row.current);
      const declared: ServiceSpec = {
        ...row.spec,
        variables: release === null ? [] : openVariables(needs.vault, release).declared,
      };
      return { name: serviceKey(row.id).service, spec: declared, scale: row.scale, current: row.current };
    });
}
