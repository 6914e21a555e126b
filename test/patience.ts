import { setTimeout as pause } from 'node:timers/promises';

/**
 * Milliseconds after which what should happen is taken to hang. No test says how fast something is: a machine that is ten times slower than a usual one, and
 * busy beside, passes too.
 */
export const hang = 180_000;

/** Milliseconds between two looks, more and more: in between, the processor belongs to what is waited for. */
const pace = { first: 4, growth: 1.3, most: 100 };

/** Looks until it holds; fails with `what` once that hangs. */
export async function until(
  what: string | (() => string),
  holds: () => boolean | Promise<boolean>,
  timeout = hang,
): Promise<void> {
  await seen(what, async () => ((await holds()) ? true : null), timeout);
}

/** Looks until there is something (not `false`, `null` or `undefined`) and answers it. */
export async function seen<T>(
  what: string | (() => string),
  look: () => T | false | null | undefined | Promise<T | false | null | undefined>,
  timeout = hang,
): Promise<T> {
  const deadline = performance.now() + timeout;
  for (let wait = pace.first; ; wait = Math.min(pace.most, wait * pace.growth)) {
    const found = await look();
    if (found !== false && found !== null && found !== undefined) return found;
    if (performance.now() > deadline)
      throw new Error(`not within ${timeout} ms: ${typeof what === 'string' ? what : what()}`);
    await pause(wait);
  }
}
