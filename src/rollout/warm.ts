import { isVacant, startAlone, vacate } from './exclusive.ts';
import { failureOf, failureWakes } from './failure.ts';
import { instanceLimit } from './limits.ts';
import { activeOf, isActive, isPromoted, wantedOf } from './serving.ts';
import { attend } from './stale.ts';
import { steady } from './steady.ts';
import { act, join, type Step } from './step.ts';
import type { Action, RolloutView, ServiceView } from './view.ts';

/**
 * preDeployCommand, once, before any instance of the new release; the current release is kept as it is. With a disk it is stopped first: the command sees the
 * disk, and may change what the current release would write to.
 */
export function prepare(view: ServiceView, rollout: RolloutView): Step {
  const failure = failureOf(view, rollout);
  const keep = view.exclusive
    ? vacate(view, rollout)
    : steady(view, { release: view.current, except: rollout.to, reserved: 0 });
  if (failure !== null) {
    const abandon = act({ kind: 'phase', phase: 'aborting', failure, reason: failure.message });
    return view.exclusive ? abandon : join(abandon, keep);
  }
  if (rollout.prepare === 'absent' || rollout.prepare === 'succeeded') {
    const reason = rollout.prepare === 'absent' ? 'there is no preDeployCommand' : 'preDeployCommand succeeded';
    return join(act({ kind: 'phase', phase: 'warming', failure: null, reason }), keep);
  }
  const begin: Action = {
    kind: 'prepare',
    release: rollout.to,
    reason: 'preDeployCommand runs before the new release takes traffic',
  };
  const mayBegin = rollout.prepare === 'wanted' && (!view.exclusive || isVacant(view));
  return join(mayBegin ? act(begin) : act(), failureWakes(view, rollout), keep);
}

/**
 * Starts the target beside what serves and waits at the gate: one ready instance, or all of them for blue-green. Only then is it
 * promoted. A stopped service has no gate.
 */
export function warm(view: ServiceView, rollout: RolloutView): Step {
  if (isPromoted(view)) return act(shifting('it is the current release'));
  const failure = failureOf(view, rollout);
  if (failure !== null) return act({ kind: 'phase', phase: 'aborting', failure, reason: failure.message });
  const passed = gatePassed(view, rollout);
  if (passed !== null) return act(promotion(rollout, passed), shifting(passed));
  return join(startTarget(view, rollout), failureWakes(view, rollout));
}

export function promotion(rollout: RolloutView, reason: string): Action {
  return { kind: 'promote', from: rollout.from, to: rollout.to, reason };
}

function shifting(reason: string): Action {
  return { kind: 'phase', phase: 'shifting', failure: null, reason };
}

/** Why the gate is open, or null. */
function gatePassed(view: ServiceView, rollout: RolloutView): string | null {
  if (view.desired === 0) return 'the service is stopped: nothing is started';
  if (wantedOf(view, rollout.to) === 0) return 'nothing of it has to be started';
  const ready = activeOf(view, rollout.to).filter((instance) => instance.state === 'ready').length;
  if (ready < gate(view)) return null;
  return `${ready} of ${view.desired} instances of release ${rollout.to} ${ready === 1 ? 'is' : 'are'} ready`;
}

/** How many ready instances promote the target. */
function gate(view: ServiceView): number {
  return view.policy.strategy === 'blue-green' ? view.desired : Math.min(1, view.desired);
}

function startTarget(view: ServiceView, rollout: RolloutView): Step {
  const target = activeOf(view, rollout.to);
  if (view.exclusive) {
    const begin = target.length === 0 ? startAlone(view, rollout.to) : act();
    return join(vacate(view, rollout), begin, ...target.map((instance) => attend(view, instance)));
  }
  const wanted = Math.max(0, gate(view) - target.length);
  const keep = steady(view, { release: view.current, except: rollout.to, reserved: wanted });
  const drained = keep.actions.filter((action) => action.kind === 'drain').length;
  const room = instanceLimit(view) - (view.instances.filter(isActive).length - drained);
  const reason = `release ${rollout.to} has to be ready before it takes traffic`;
  const starts = Array.from(
    { length: Math.max(0, Math.min(wanted, room)) },
    (): Action => ({ kind: 'start', release: rollout.to, reason }),
  );
  return join(keep, act(...starts), ...target.map((instance) => attend(view, instance)));
}
