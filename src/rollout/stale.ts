import { healthyTime } from './instance.ts';
import { staleAfter } from './limits.ts';
import { seconds } from './retire.ts';
import { isActive, isBetweenAttempts, isBooting } from './serving.ts';
import { act, type Step, wakeAt } from './step.ts';
import type { InstanceView, ServiceView } from './view.ts';

/** Hung at boot, or silent for long. Left alone while a rollout is in flight, which would fail for want of room. */
export function isStale(view: ServiceView, instance: InstanceView): boolean {
  const from = staleFrom(view, instance);
  return from !== null && view.now >= from;
}

function staleFrom(view: ServiceView, instance: InstanceView): number | null {
  if (view.rollout !== null) return null;
  const limit = patience(view, instance);
  if (instance.state === 'unready') return instance.since + limit;
  return isBooting(instance) ? instance.startedAt + limit : null;
}

/** Why it is replaced. */
export function staleReason(view: ServiceView, instance: InstanceView): string {
  return `it was not ready for ${seconds(patience(view, instance))} and is replaced: ${instance.detail ?? 'it did not answer'}`;
}

/**
 * What has to be gone before its successor starts hands no setbacks on, so that the pace of those that always hang is kept by the wait alone: a minute
 * makes it ten starts in ten minutes.
 */
function patience(view: ServiceView, instance: InstanceView): number {
  const limit = staleAfter(view.policy, instance.quickExits);
  return view.exclusive ? Math.max(60_000, limit) : limit;
}

/** What takes the place of an instance that hung goes on counting where that one was: one that worked for long before is forgiven. */
export function setbacksOf(view: ServiceView, release: number): number {
  const hung = view.instances.filter(
    (instance) => instance.release === release && isActive(instance) && isStale(view, instance),
  );
  return Math.max(
    0,
    ...hung.map(({ state, since, startedAt, quickExits }) =>
      state === 'unready' && since - startedAt >= healthyTime ? 0 : quickExits + 1,
    ),
  );
}

/** The next attempt of an instance that ended, and the moment at which one that hangs is given up. */
export function attend(view: ServiceView, instance: InstanceView): Step {
  if (isBetweenAttempts(instance)) {
    const due = instance.retryAt ?? view.now;
    if (due > view.now) return wakeAt(due);
    return act({ kind: 'retry', instance: instance.id, reason: 'the back-off after its last exit is over' });
  }
  const from = staleFrom(view, instance);
  return from === null ? act() : wakeAt(from);
}
