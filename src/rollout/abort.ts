import { isRestored } from './exclusive.ts';
import { phaseEnd } from './failure.ts';
import { activeOf, isPromoted, servingOf, wantedOf } from './serving.ts';
import { steady } from './steady.ts';
import { act, join, type Step, wakeAt } from './step.ts';
import type { Action, RolloutFailure, RolloutView, ServiceView } from './view.ts';

/**
 * The target never took traffic: its instances are stopped at once, and what serves is kept as it is. Where it was stopped for the target's sake (a disk), it
 * is started again when the target is gone, and the rollout ends when it serves.
 */
export function abort(view: ServiceView, rollout: RolloutView): Step {
  const reason = reasonOf(rollout.failure);
  if (isPromoted(view)) return act({ kind: 'phase', phase: 'withdrawing', failure: rollout.failure, reason });
  const stops = activeOf(view, rollout.to).map(
    (instance): Action => ({ kind: 'terminate', instance: instance.id, reason }),
  );
  const keep = steady(view, { release: view.current, except: rollout.to, reserved: 0 });
  return join(act(...stops), keep, endAborted(view, rollout));
}

/** After the phase's limit it ends with instances that still stop: they are seen to without a rollout. */
function endAborted(view: ServiceView, rollout: RolloutView): Step {
  const gone = isGone(view, rollout) && rollout.prepare !== 'running';
  const restored = !view.exclusive || isRestored(view);
  const late = view.now >= phaseEnd(view, rollout) && activeOf(view, rollout.to).length === 0;
  // As long as preDeployCommand runs the disk is its own, and only this rollout knows that.
  const over = late && !(view.exclusive && rollout.prepare === 'running');
  if (!(gone && restored) && !over) return wakeAt(phaseEnd(view, rollout));
  const code = rollout.failure?.code;
  const outcome = code === 'cancelled' || code === 'superseded' ? 'cancelled' : 'failed';
  return act({ kind: 'finish', outcome, failure: rollout.failure, reason: reasonOf(rollout.failure) });
}

/**
 * The target took traffic and has to give it back. What it replaced is started again where it is missing, becomes current as soon as one
 * instance of it is ready, and the target drains against it. Without a release to go back to, the target just ends.
 */
export function withdraw(view: ServiceView, rollout: RolloutView): Step {
  const move = steady(view, { release: rollout.from, except: null, reserved: 0 });
  const over = view.now >= phaseEnd(view, rollout);
  return join(
    move,
    wakeAt(phaseEnd(view, rollout)),
    isPromoted(view) ? giveBack(view, rollout, over) : endWithdrawn(view, rollout, over),
  );
}

function giveBack(view: ServiceView, rollout: RolloutView, over: boolean): Step {
  const ready = activeOf(view, rollout.from).some((instance) => instance.state === 'ready');
  if (!ready && !over && wantedOf(view, rollout.from) > 0) return act();
  return act({ kind: 'promote', from: rollout.to, to: rollout.from, reason: reasonOf(rollout.failure) });
}

function endWithdrawn(view: ServiceView, rollout: RolloutView, over: boolean): Step {
  const serving = servingOf(view, rollout.from).length;
  const restored = serving >= wantedOf(view, rollout.from);
  if (!over && !(restored && isGone(view, rollout))) return act();
  return act({ kind: 'finish', outcome: 'rolled_back', failure: rollout.failure, reason: reasonOf(rollout.failure) });
}

function isGone(view: ServiceView, rollout: RolloutView): boolean {
  return view.instances.every((instance) => instance.release !== rollout.to || instance.state === 'gone');
}

function reasonOf(failure: RolloutFailure | null): string {
  return failure?.message ?? 'the rollout does not go on';
}
