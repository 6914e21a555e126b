/**
 * The wait before an instance's next attempt, in milliseconds: 0.2 s after the first quick exit, doubling to two minutes, 20% more or less.
 * With the shortest waits of all, attempts of programs that end at once begin after 0, 0.2, ... 82, 164, 260, 356, 452 and 548 s: fifteen in
 * ten minutes, and never more in any others (test/unit/rollout/crash-loop.test.ts). A minute at most would make it twenty.
 */
const first = 200;
/** Before jitter. */
export const longestPause = 120_000;
const jitter = 0.2;

/** What `backoff` answers at most. */
export const longestBackoff = longestPause * (1 + jitter);

/** `fraction` in [0, 1) is the jitter: it keeps instances that failed together from trying together. */
export function backoff(quickExits: number, fraction: number): number {
  const doublings = Math.min(Math.max(0, quickExits - 1), 20);
  const base = Math.min(longestPause, first * 2 ** doublings);
  return Math.round(base * (1 - jitter + 2 * jitter * fraction));
}
