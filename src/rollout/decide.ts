import { abort, withdraw } from './abort.ts';
import { retire } from './retire.ts';
import { shift } from './shift.ts';
import { steady } from './steady.ts';
import { decisionOf, join, type Step } from './step.ts';
import type { Decision, ServiceView } from './view.ts';
import { prepare, warm } from './warm.ts';

/**
 * The rollout's step machine: what to do now for one service, why, and when to look again.
 *
 * It is pure and level-triggered: it works from what is seen, not from what it remembers having asked for. It may be called at any moment
 * and as often as one likes; an action that was lost is asked for again, and one that was applied twice does no harm.
 *
 *   no rollout   keep `desired` instances of `current`; drain what is left of other releases
 *   preparing    --preDeployCommand succeeded, or none-->               warming
 *                --it failed, cancel, half an hour-->                   aborting
 *   warming      --gate passed, or nothing is wanted: promote-->        shifting     (rolling: one ready; blue-green: all)
 *                --third quick exit, start time-out, limit, cancel-->   aborting
 *   shifting     --all wanted serve alone, or superseded and one serves--> finished: live
 *                --third quick exit, time-out, limit, cancel-->         withdrawing
 *   aborting     --target's instances gone, or limit-->                 finished: failed | cancelled
 *   withdrawing  --promoted back; old serves and target gone, or limit--> finished: rolled_back
 *
 * A service with a disk, or a port that one alone can have (`exclusive`), goes the same way with at most one instance that exists: before preDeployCommand and the first instance of the target
 * everything else is stopped and gone, and an abort ends when the old release serves again (exclusive.ts). Of what follows, the first does not hold for it.
 *
 * What holds in every state, and is tested over random histories with faults (test/simulation/rollout.test.ts):
 * - An instance is drained only when enough others are ready and confirmed by the edge, and told to stop only when the edge
 *   has confirmed that it does not name it.
 * - A release takes traffic only after its promotion, which is a compare-and-set from the release it replaces.
 * - Not more than `desired` and the surge exist at once, those that drain or stop not counted.
 * - Every phase has a time limit (limits.ts); what is unfinished then is repaired without a rollout.
 */
export function decide(view: ServiceView): Decision {
  return decisionOf(join(advance(view), retire(view)), view.now);
}

function advance(view: ServiceView): Step {
  const { rollout } = view;
  if (rollout === null) return steady(view, { release: view.current, except: null, reserved: 0 });
  switch (rollout.phase) {
    case 'preparing':
      return prepare(view, rollout);
    case 'warming':
      return warm(view, rollout);
    case 'shifting':
      return shift(view, rollout);
    case 'aborting':
      return abort(view, rollout);
    case 'withdrawing':
      return withdraw(view, rollout);
  }
}
