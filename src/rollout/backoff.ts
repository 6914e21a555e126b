/** The wait before an instance's next attempt, in milliseconds: 0.2 s after the first quick exit, doubling to 60 s, 20% more or less. */
const first = 200;
const longest = 60_000;
const jitter = 0.2;

/** What `backoff` answers at most. */
export const longestBackoff = longest * (1 + jitter);

/** `fraction` in [0, 1) is the jitter: it keeps instances that failed together from trying together. */
export function backoff(quickExits: number, fraction: number): number {
  const doublings = Math.min(Math.max(0, quickExits - 1), 20);
  const base = Math.min(longest, first * 2 ** doublings);
  return Math.round(base * (1 - jitter + 2 * jitter * fraction));
}
