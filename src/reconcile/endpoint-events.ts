import { type ServiceId, serviceKey } from '../model/service.ts';
import type { Dependencies } from './dependencies.ts';
import type { OverloadNews } from './overload-episodes.ts';

/** Writes down that requests are refused because of overload, or that this is over. */
export function recordOverload(
  { store, clock }: Pick<Dependencies, 'store' | 'clock'>,
  { service, news }: { readonly service: ServiceId; readonly news: OverloadNews },
): void {
  const message =
    news.kind === 'began'
      ? 'overloaded: the edge answers 503 to what is more than the instances can answer'
      : `no longer overloaded: ${news.refused} requests were answered 503 in ${Math.max(1, Math.round(news.milliseconds / 1000))} s`;
  const project = serviceKey(service).project;
  store.events.append({ time: clock.now(), kind: `overload.${news.kind}`, service, project, message });
}

/** Writes down that an endpoint takes no requests any more, and why; or (`problem` null) that it does again. */
export function recordEndpoint(
  { store, clock }: Pick<Dependencies, 'store' | 'clock'>,
  of: { readonly service: ServiceId; readonly endpoint: string; readonly problem: string | null },
): void {
  const { service, endpoint, problem } = of;
  const isProxy = store.services.get(service)?.spec.type === 'proxy';
  const what = isProxy ? `upstream ${endpoint}` : `instance ${endpoint.slice(0, endpoint.lastIndexOf('.'))}`;
  store.events.append({
    time: clock.now(),
    kind: problem === null ? 'endpoint.up' : 'endpoint.down',
    service,
    project: serviceKey(service).project,
    message: problem === null ? `${what} takes requests again` : `${what} takes no requests: ${problem}`,
  });
}
