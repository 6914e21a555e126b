import { longestPause } from './backoff.ts';
import type { RolloutPolicy, ServiceView } from './view.ts';

/** How long things may take, in milliseconds. Every phase has a limit, so that every rollout ends. */

/** preDeployCommand runs migrations: half an hour is what hosted platforms give it. */
export const prepareLimit = 30 * 60_000;

/** Room for what is not boot time: starting processes, confirming a table, an action that was lost once. */
const slack = 5_000;

/** What a daemon that has just begun needs to see that an instance is ready: some probes, on a machine that is busy. */
export const noticeTime = 3_000;

/** The third quick exit of an instance is the end of its rollout. */
export const quickExitLimit = 3;

/** Three attempts, each of which may take the whole start time-out; the back-off between them is below a second. */
export function warmLimit(view: ServiceView): number {
  return quickExitLimit * view.policy.startTimeout + 2 * slack + vacateLimit(view);
}

/** Rolling goes in waves of `maxSurge` instances, and one more wave for an instance that needed a second attempt. */
export function shiftLimit(view: ServiceView): number {
  const waves = view.policy.strategy === 'rolling' ? Math.ceil(view.desired / surge(view.policy)) : 1;
  return (waves + 1) * (view.policy.startTimeout + slack);
}

/** SIGTERM, the delay, SIGKILL, and once more for what was lost on the way; with a disk the old release boots after it, and may need a second attempt. */
export function abortLimit(view: ServiceView): number {
  const { shutdownDelay, startTimeout } = view.policy;
  return 2 * shutdownDelay + 2 * slack + (view.exclusive ? vacateLimit(view) + 2 * startTimeout : 0);
}

/** One boot of the old release and one retry; then the drain and the stop of the new. What is unfinished then is repaired without a rollout. */
export function withdrawLimit({ policy }: ServiceView): number {
  return 2 * policy.startTimeout + 2 * policy.shutdownDelay + 2 * slack;
}

/** Where one has to be gone before the next starts: its drain, and its stop. */
function vacateLimit({ exclusive, policy }: ServiceView): number {
  return exclusive ? 2 * policy.shutdownDelay + slack : 0;
}

/**
 * An instance that is not ready for so long is replaced. Half a minute at least: a short start time-out must not make short hiccups deadly.
 * Doubled for each setback before it, as the back-off is: a release that always hangs must not be started more often than one that always exits.
 */
export function staleAfter(policy: RolloutPolicy, setbacks: number): number {
  const patience = Math.max(policy.startTimeout, 30_000);
  return Math.max(patience, Math.min(longestPause, patience * 2 ** Math.min(setbacks, 20)));
}

/** Instances that may exist at once, those that drain or stop not counted. */
export function instanceLimit(view: ServiceView): number {
  const above = view.policy.strategy === 'blue-green' ? view.desired : surge(view.policy);
  return view.desired + above;
}

/** A rolling rollout without any surge could not move while every wanted instance must stay. */
function surge(policy: RolloutPolicy): number {
  return Math.max(1, policy.maxSurge);
}
