import { type ServiceId, serviceKey } from '../model/service.ts';
import type { Dependencies } from './dependencies.ts';

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
