import type { ServiceId } from '../model/service.ts';
import type { Dependencies } from './dependencies.ts';

/** What of a service's releases is in use. */
export function releasesInUse({ store }: Pick<Dependencies, 'store'>, service: ServiceId): Set<number> {
  const rollout = store.rollouts.active(service);
  const numbers = [
    store.services.get(service)?.current,
    rollout?.from,
    rollout?.to,
    ...store.instances.of(service).map((instance) => instance.release),
    ...store.jobs.open(service).map((job) => job.release),
  ];
  return new Set(numbers.filter((number) => number !== null && number !== undefined));
}
