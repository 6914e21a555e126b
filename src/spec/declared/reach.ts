import type { ServiceType } from '../../model/service.ts';
import type { Place, Report } from '../report.ts';
import type { UpstreamSpec } from '../spec.ts';
import type { FoundService } from '../table/service.ts';

export interface Upstreams {
  readonly list: readonly UpstreamSpec[];
  /** They are spoken to over TLS. */
  readonly encrypted: boolean;
}

/** `domain` and `domains` together, each once. */
export function readDomains(entry: FoundService, report: Report): { readonly name: string; readonly place: Place }[] {
  const { domain, domains } = entry.fields;
  const found: { name: string; place: Place }[] = [];
  const all = [
    ...(domain === undefined ? [] : [{ name: domain.value, place: domain.place }]),
    ...(domains?.value ?? []).map(({ value, place }) => ({ name: value, place })),
  ];
  for (const one of all) {
    if (found.some((other) => other.name === one.name)) report.warn(one.place, `${one.name} stands here twice`);
    else found.push(one);
  }
  return found;
}

export function readUpstreams(entry: FoundService, type: ServiceType, report: Report): Upstreams {
  if (type !== 'proxy') return { list: [], encrypted: false };
  const { upstreams } = entry.fields;
  const found: UpstreamSpec[] = [];
  let encrypted: boolean | null = null;
  for (const { fields } of upstreams?.value ?? []) {
    if (fields.address === undefined) continue;
    const { host, port, tls } = fields.address.value;
    if (encrypted !== null && encrypted !== tls)
      report.refuse(fields.address.place, 'some are http and some https: declare a proxy for each');
    encrypted ??= tls;
    if (found.some((other) => other.host === host && other.port === port))
      report.refuse(fields.address.place, `${host}:${port} stands here twice: give it a weight instead`);
    else found.push({ host, port, weight: fields.weight?.value ?? 1 });
  }
  const path = `${entry.place.path}.upstreams`;
  if (found.length === 0 && !report.refusedBelow(path))
    report.refuse({ ...(upstreams?.place ?? entry.place), path }, 'a proxy needs at least one');
  return { list: found, encrypted: encrypted ?? false };
}
