import type { Action, Decision } from './view.ts';

/** What one part of the machine asks for: actions in their order, and the moments at which its answer may change by time alone. */
export interface Step {
  readonly actions: readonly Action[];
  readonly wakes: readonly number[];
}

export const nothing: Step = { actions: [], wakes: [] };

export function act(...actions: readonly Action[]): Step {
  return { actions, wakes: [] };
}

export function wakeAt(...wakes: readonly number[]): Step {
  return { actions: [], wakes };
}

export function join(...steps: readonly Step[]): Step {
  return { actions: steps.flatMap((step) => step.actions), wakes: steps.flatMap((step) => step.wakes) };
}

/** An action may be lost without a trace, so one that was asked for is looked after: milliseconds. */
const lookAgain = 1_000;

/** Moments that have passed are left out: what they allowed is among the actions, or waits for something else than time. */
export function decisionOf(step: Step, now: number): Decision {
  const later = step.wakes.filter((moment) => moment > now);
  if (step.actions.length > 0) later.push(now + lookAgain);
  return { actions: step.actions, wakeAt: later.length === 0 ? null : Math.min(...later) };
}
