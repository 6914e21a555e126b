import type { ServiceType } from '../../model/service.ts';
import type { Place, Report } from '../report.ts';
import type { UpstreamSpec } from '../spec.ts';
import type { FoundService } from '../table/service.ts';

/** `domain` and `domains` together, each once. */
export function readDomains(entry: FoundService, report: Report): { readonly host: string; readonly place: Place }[] {
  const { domain, domains } = entry.fields;
  const found: { host: string; place: Place }[] = [];
  const all = [
    ...(domain === undefined ? [] : [{ host: domain.value, place: domain.place }]),
    ...(domains?.value ?? []).map(({ value, place }) => ({ host: value, place })),
  ];
  for (const one of all) {
    if (found.some((other) => other.host === one.host)) report.warn(one.place, `${one.host} stands here twice`);
    else found.push(one);
  }
  return found;
}

export function readUpstreams(entry: FoundService, type: ServiceType, report: Report): readonly UpstreamSpec[] {
  if (type !== 'proxy') return [];
  const { upstreams } = entry.fields;
  const found: UpstreamSpec[] = [];
  for (const { fields } of upstreams?.value ?? []) {
    if (fields.address === undefined) continue;
    const { host, port } = fields.address.value;
    if (found.some((other) => other.host === host && other.port === port))
      report.refuse(fields.address.place, `${host}:${port} stands here twice: give it a weight instead`);
    else found.push({ host, port, weight: fields.weight?.value ?? 1 });
  }
  const path = `${entry.place.path}.upstreams`;
  if (found.length === 0 && !report.refusedBelow(path))
    report.refuse({ ...(upstreams?.place ?? entry.place), path }, 'a proxy needs at least one');
  return found;
}
