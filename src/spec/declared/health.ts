import type { ServiceType } from '../../model/service.ts';
import type { Report } from '../report.ts';
import type { HealthSpec } from '../spec.ts';
import type { FoundService } from '../table/service.ts';

type Pace = Pick<HealthSpec, 'interval' | 'timeout'>;

/** What the checks of an instance or an upstream ask for, and their pace. */
export function readHealth(entry: FoundService, usual: Pace): HealthSpec {
  const path = entry.fields.healthCheckPath?.value ?? null;
  const content = entry.fields.healthCheck?.value.fields.content?.value;
  return { path, ...pacedBy(entry, usual), ...(path === null || content === undefined ? {} : { content }) };
}

export function pacedBy({ fields }: FoundService, usual: Pace): Pace {
  const said = fields.healthCheck?.value.fields;
  return {
    interval: said?.intervalSeconds?.value ?? usual.interval,
    timeout: said?.timeoutSeconds?.value ?? usual.timeout,
  };
}

/** A port that accepts has no body: a text without a path is a check that would never be made. */
export function checkHealth({ fields, place }: FoundService, type: ServiceType, report: Report): void {
  const content = fields.healthCheck?.value.fields.content;
  const asked = type === 'web' || type === 'pserv' || type === 'proxy';
  if (content === undefined || !asked || fields.healthCheckPath !== undefined) return;
  if (report.refusedBelow(`${place.path}.healthCheckPath`)) return;
  report.refuse(content.place, 'is looked for in the answer at healthCheckPath, which is missing');
}
