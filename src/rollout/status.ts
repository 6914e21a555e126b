import { isBetweenAttempts } from './serving.ts';
import type { ServiceView } from './view.ts';

/** One word for a service, as `kapal ps` says it. */
type Status = 'running' | 'deploying' | 'degraded' | 'crash-looping' | 'stopped' | 'failed' | 'pending';

/**
 * What the view does not hold: whether the service was stopped by its user (one that needs no instances wants none either), and
 * whether its last rollout failed while it has no release to serve.
 */
export interface StatusFacts {
  readonly stopped: boolean;
  readonly everFailed: boolean;
}

/**
 *   stopped        by its user
 *   deploying      a rollout is in flight
 *   pending        no release yet; or instances start and none has failed
 *   failed         no release serves, because the rollouts so far failed
 *   running        all wanted instances are ready
 *   crash-looping  none is ready and one keeps exiting
 *   degraded       anything between
 */
export function serviceStatus(view: ServiceView, facts: StatusFacts): Status {
  if (facts.stopped) return 'stopped';
  if (view.rollout !== null) return 'deploying';
  if (view.current === null) return facts.everFailed ? 'failed' : 'pending';
  return instancesStatus(view);
}

function instancesStatus(view: ServiceView): Status {
  const instances = view.instances.filter((instance) => instance.release === view.current);
  const ready = instances.filter((instance) => instance.state === 'ready').length;
  if (ready >= view.desired) return 'running';
  if (ready > 0) return 'degraded';
  if (instances.some((instance) => instance.state === 'crash-looping')) return 'crash-looping';
  const failing = instances.some(
    (instance) => instance.state === 'unready' || isBetweenAttempts(instance) || instance.quickExits > 0,
  );
  return failing ? 'degraded' : 'pending';
}
