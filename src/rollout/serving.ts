import type { InstanceView, ServiceView } from './view.ts';

/** What the parts of the machine ask about instances. */

/** Wanted until something drains it: whatever its process does now. */
export function isActive(instance: InstanceView): boolean {
  return instance.state !== 'draining' && instance.state !== 'stopping' && instance.state !== 'gone';
}

/** An attempt is under way that has not been ready yet. A crash-looping instance keeps that name while it tries again. */
export function isBooting(instance: InstanceView): boolean {
  return instance.state === 'starting' || (instance.state === 'crash-looping' && instance.retryAt === null);
}

/** No process, and another attempt is to come. */
export function isBetweenAttempts(instance: InstanceView): boolean {
  return (instance.state === 'waiting' || instance.state === 'crash-looping') && instance.retryAt !== null;
}

export function activeOf(view: ServiceView, release: number | null): readonly InstanceView[] {
  return view.instances.filter((instance) => instance.release === release && isActive(instance));
}

/** Instances wanted of a release when it is the one that serves. */
export function wantedOf(view: ServiceView, release: number | null): number {
  return release === null || view.instanceless.includes(release) ? 0 : view.desired;
}

/** Whether the target of the rollout in flight has become the current release. */
export function isPromoted(view: ServiceView): boolean {
  return view.rollout !== null && view.current === view.rollout.to;
}

/** The instances of a release that take requests now as far as is known for certain. */
export function servingOf(view: ServiceView, release: number | null): readonly InstanceView[] {
  return activeOf(view, release).filter((instance) => isServing(view, instance));
}

/**
 * Whether requests may go to the instance's release: to the current one; during a rollout to the old one, and to the target from its
 * promotion until its withdrawal is over. What is left of other releases keeps its place in the table until it is drained. It did take
 * traffic: a target that never did is stopped, every instance of it, before its rollout ends.
 */
export function mayTakeTraffic(view: ServiceView, instance: InstanceView): boolean {
  const { current, rollout } = view;
  if (instance.release === current) return true;
  if (rollout !== null && instance.release === rollout.to) return rollout.phase === 'withdrawing';
  if (rollout !== null && instance.release === rollout.from) return true;
  return !view.routed || instance.inTable !== false;
}

/** Takes requests now as far as is known for certain: ready, and the edge has confirmed that it names it. Workers serve when they are ready. */
export function isServing(view: ServiceView, instance: InstanceView): boolean {
  if (instance.state !== 'ready' || !mayTakeTraffic(view, instance)) return false;
  return !view.routed || instance.inTable === true || view.unrouted.includes(instance.release);
}
