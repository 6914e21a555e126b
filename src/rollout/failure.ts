import { describeExit } from '../model/instance.ts';
import { settleTime } from './instance.ts';
import {
  abortLimit,
  noticeTime,
  prepareLimit,
  quickExitLimit,
  shiftLimit,
  warmLimit,
  withdrawLimit,
} from './limits.ts';
import { seconds } from './retire.ts';
import { activeOf, isBooting, isPromoted, servingOf, wantedOf } from './serving.ts';
import { type Step, wakeAt } from './step.ts';
import type { InstanceView, RolloutFailure, RolloutView, ServiceView } from './view.ts';

/** Why the rollout cannot go on, or null. A cancel that was acknowledged comes before anything else. */
export function failureOf(view: ServiceView, rollout: RolloutView): RolloutFailure | null {
  return (
    cancelled(view, rollout) ??
    obstructed(view) ??
    preparation(view, rollout) ??
    ofInstances(view, rollout) ??
    phaseOver(view, rollout)
  );
}

/** When `failureOf` may change its answer by time alone. */
export function failureWakes(view: ServiceView, rollout: RolloutView): Step {
  const attempts = activeOf(view, rollout.to).flatMap((instance) => readyBy(view, instance) ?? []);
  return wakeAt(phaseEnd(view, rollout), ...attempts);
}

/** When the phase ends, whatever has been reached. An instance that waits for a daemon that is away gets its time anew. */
export function phaseEnd(view: ServiceView, rollout: RolloutView): number {
  const waits = rollout.phase === 'warming' || rollout.phase === 'shifting';
  return (waits ? Math.max(rollout.since, view.watchedSince) : rollout.since) + phaseLimit(view, rollout);
}

function phaseLimit(view: ServiceView, rollout: RolloutView): number {
  switch (rollout.phase) {
    case 'preparing':
      return prepareLimit;
    case 'warming':
      return warmLimit(view);
    case 'shifting':
      return shiftLimit(view);
    case 'aborting':
      return abortLimit(view);
    case 'withdrawing':
      return withdrawLimit(view);
  }
}

/** A deploy that is merely superseded after its promotion is not withdrawn: the next one starts from it. */
function cancelled(view: ServiceView, rollout: RolloutView): RolloutFailure | null {
  if (rollout.cancel === 'requested') return { code: 'cancelled', message: 'The deploy was cancelled', instance: null };
  if (rollout.cancel === 'no' || isPromoted(view)) return null;
  return { code: 'superseded', message: 'A newer deploy of the same service took its place', instance: null };
}

function obstructed(view: ServiceView): RolloutFailure | null {
  if (view.obstacle === null) return null;
  return failure(view, { code: 'port_insisted', message: view.obstacle, instance: null });
}

function preparation(view: ServiceView, rollout: RolloutView): RolloutFailure | null {
  if (rollout.phase !== 'preparing') return null;
  if (rollout.prepare === 'failed') {
    return { code: 'predeploy_failed', message: 'preDeployCommand did not succeed', instance: null };
  }
  if (view.now < phaseEnd(view, rollout) || rollout.prepare === 'succeeded') return null;
  return {
    code: 'predeploy_failed',
    message: `preDeployCommand did not end within ${seconds(prepareLimit)}`,
    instance: null,
  };
}

/** The third quick exit of one instance, or an attempt that was not ready in time. */
function ofInstances(view: ServiceView, rollout: RolloutView): RolloutFailure | null {
  const target = activeOf(view, rollout.to);
  const crashed = target.find((instance) => instance.quickExits >= quickExitLimit);
  if (crashed !== undefined)
    return failure(view, { code: 'boot_crashed', message: crashMessage(crashed), instance: crashed.id });
  const late = target.find((instance) => view.now >= (readyBy(view, instance) ?? Number.POSITIVE_INFINITY));
  return late === undefined
    ? null
    : failure(view, { code: 'health_failed', message: lateMessage(view, late), instance: late.id });
}

/**
 * When an instance must be ready again at the latest. Counted from the beginning of its present attempt, not of its first: an app that is
 * slow and exits once gets the declared time anew, and the third quick exit bounds the whole. One that became ready while no daemon looked
 * must not be late by the time that passed.
 */
function readyBy(view: ServiceView, instance: InstanceView): number | null {
  const noticed = view.watchedSince + noticeTime;
  const { startTimeout } = view.policy;
  if (isBooting(instance)) return Math.max(noticed, instance.startedAt + startTimeout + (view.routed ? 0 : settleTime));
  return instance.state === 'unready' ? Math.max(noticed, instance.since + startTimeout) : null;
}

function crashMessage(instance: InstanceView): string {
  const how = instance.lastExit === null ? 'ended' : describeExit(instance.lastExit);
  return `Instance ${instance.id} ${how}, its exit number ${instance.quickExits} in a row`;
}

function lateMessage(view: ServiceView, instance: InstanceView): string {
  return `Instance ${instance.id} was not ready within ${seconds(view.policy.startTimeout)}: ${instance.detail ?? 'it did not answer'}`;
}

function phaseOver(view: ServiceView, rollout: RolloutView): RolloutFailure | null {
  if (rollout.phase === 'preparing' || view.now < phaseEnd(view, rollout)) return null;
  if (rollout.phase === 'shifting' && servingOf(view, rollout.to).length >= wantedOf(view, rollout.to)) return null;
  const instance = activeOf(view, rollout.to).find((candidate) => candidate.state !== 'ready')?.id ?? null;
  const limit = seconds(phaseLimit(view, rollout));
  const message = `The instances of release ${rollout.to} were not all ready and reached by the edge within ${limit}`;
  return failure(view, { code: 'health_failed', message, instance });
}

/** Once the release took traffic, whatever goes wrong with it is a regression. */
function failure(view: ServiceView, found: RolloutFailure): RolloutFailure {
  return isPromoted(view) ? { ...found, code: 'rollout_regressed' } : found;
}
