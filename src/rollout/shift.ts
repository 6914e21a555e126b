import { failureOf, failureWakes, phaseEnd } from './failure.ts';
import { isPromoted, servingOf, wantedOf } from './serving.ts';
import { steady } from './steady.ts';
import { act, join, type Step } from './step.ts';
import { promotion } from './warm.ts';
import type { RolloutView, ServiceView } from './view.ts';

/**
 * Moves traffic from the old release to the promoted target, instance by instance. It is live as soon as all that are wanted serve and the
 * edge has confirmed that it names nothing else: who was told so gets no answer of the old release any more, which drains without the
 * rollout. A superseded rollout is live with the first that serves: the next one moves the rest.
 */
export function shift(view: ServiceView, rollout: RolloutView): Step {
  const failure = failureOf(view, rollout);
  const promoted = isPromoted(view);
  if (failure !== null) {
    return act({ kind: 'phase', phase: promoted ? 'withdrawing' : 'aborting', failure, reason: failure.message });
  }
  if (!promoted)
    return join(act(promotion(rollout, 'its instances have passed the gate')), failureWakes(view, rollout));
  const move = steady(view, { release: rollout.to, except: null, reserved: 0 });
  const reached = liveReason(view, rollout);
  if (reached === null) return join(move, failureWakes(view, rollout));
  return join(move, act({ kind: 'finish', outcome: 'live', failure: null, reason: reached }));
}

/** Why the rollout has reached its end, or null. */
function liveReason(view: ServiceView, rollout: RolloutView): string | null {
  const serving = servingOf(view, rollout.to).length;
  const alone = !view.routed || view.instances.every((it) => it.release === rollout.to || it.inTable === false);
  // What serves as wanted is not withdrawn because the edge is slow to confirm that the old is out.
  const settled = alone || view.now >= phaseEnd(view, rollout);
  const wanted = wantedOf(view, rollout.to);
  if (serving >= wanted && settled) return `${serving} of ${wanted} wanted instances serve`;
  return rollout.cancel === 'superseded' && serving > 0 ? 'it serves, and a newer deploy waits' : null;
}
