import type { Clock } from '../lib/clock.ts';
import { type ServiceId, serviceKey } from '../model/service.ts';
import type { LogLoss } from '../observe/logs/port.ts';
import type { Store } from '../state/store.ts';

/** Milliseconds between two events about the same service: a flood loses something many times a second. */
const interval = 60_000;

/** Says in the events that output of a service was dropped, and how much. Each loss stands in the service's log as well, where it happened. */
export function lossEvents({ store, clock }: { store: Pick<Store, 'events'>; clock: Clock }): (loss: LogLoss) => void {
  const untold = new Map<ServiceId, number>();
  const tell = (service: ServiceId): void => {
    const bytes = untold.get(service) ?? 0;
    if (bytes === 0) return void untold.delete(service);
    untold.set(service, 0);
    const message = `${megabytes(bytes)} of output were dropped: ${serviceKey(service).service} prints faster than logs are stored, or the disk was full`;
    store.events.append({
      time: clock.now(),
      kind: 'logs.dropped',
      service,
      project: serviceKey(service).project,
      message,
    });
    clock.after(interval, () => tell(service));
  };
  return ({ service, bytes }) => {
    const known = untold.get(service);
    untold.set(service, (known ?? 0) + bytes);
    if (known === undefined) tell(service);
  };
}

function megabytes(bytes: number): string {
  return bytes < 1e6 ? `${bytes} bytes` : `${(bytes / 1e6).toFixed(1)} MB`;
}
