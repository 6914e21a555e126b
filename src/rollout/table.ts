import { isActive, mayTakeTraffic } from './serving.ts';
import type { InstanceView, ServiceView } from './view.ts';

/**
 * The ids of the instances that the edge should name, sorted: those that are ready and may take traffic. Where none is, those that
 * run but answer nothing lately, and those that drain but have not been told to stop: a struggling instance beats none.
 * Depends on `now` only at moments for which `decide` asks to be woken.
 */
export function routable(view: ServiceView): string[] {
  if (!view.routed || view.desired === 0) return [];
  const candidates = view.instances.filter((instance) => mayTakeTraffic(view, instance));
  const ready = candidates.filter((instance) => instance.state === 'ready');
  const named = ready.length > 0 ? ready : candidates.filter((instance) => isLastResort(view, instance));
  return named.map((instance) => instance.id).sort();
}

/**
 * A draining instance qualifies only while the edge may still name it: one that was never in the table, or has left it, is not offered.
 * Those of the serving releases stay as long as they are needed, those of older ones as long as their drain may take.
 */
function isLastResort(view: ServiceView, instance: InstanceView): boolean {
  if (isActive(instance)) return instance.state === 'unready';
  // What has a disk drains so that it can be stopped before its successor is there: nothing else would ever take its place.
  if (instance.state !== 'draining' || instance.inTable === false || view.exclusive) return false;
  const serves = instance.release === view.current || instance.release === view.rollout?.from;
  return serves || view.now < instance.since + view.policy.shutdownDelay;
}
