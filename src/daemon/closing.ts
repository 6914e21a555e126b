import type { Clock } from '../lib/clock.ts';
import type { Log } from '../lib/log.ts';

/** Milliseconds that one step may take. */
const patience = 10_000;

export interface ClosingStep {
  readonly name: string;
  readonly close: () => Promise<unknown> | void;
}

/**
 * Closes one thing after the other. What hangs or fails is named in the log and left as a daemon leaves it that is killed: all that was acknowledged is on
 * record, and the next daemon takes it up. Never rejects.
 */
export async function closeInOrder(
  steps: readonly ClosingStep[],
  { clock, log }: { readonly clock: Pick<Clock, 'after'>; readonly log: Pick<Log, 'warn' | 'info'> },
): Promise<void> {
  for (const { name, close } of steps) {
    const late = Promise.withResolvers<'late'>();
    using timer = clock.after(patience, () => late.resolve('late'));
    void timer;
    try {
      if ((await Promise.race([close(), late.promise])) === 'late')
        log.warn({ step: name }, `did not close within ${patience / 1_000} s, and is left`);
    } catch (error) {
      log.warn({ err: error, step: name }, 'did not close, and is left');
    }
  }
  log.info({}, 'closed');
}
