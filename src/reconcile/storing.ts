import { KapalError } from '../model/errors.ts';
import type { Dependencies } from './dependencies.ts';

/** Milliseconds between two tries. */
const pace = 500;

/**
 * Makes a durable step, at once or as soon as the disk takes it: what has happened has to be written down, or its client would wait for ever. Throws what the
 * step throws for another reason than the disk, and the disk's refusal when `isLeft` says that the daemon ends.
 */
export async function stored<T>(
  needs: Pick<Dependencies, 'clock' | 'log'>,
  step: () => T,
  isLeft: () => boolean,
): Promise<T> {
  for (let tries = 0; ; tries += 1) {
    try {
      return step();
    } catch (error) {
      if (!isRefusedByDisk(error) || isLeft()) throw error;
      if (tries === 0) needs.log.warn({ err: error }, 'the disk takes nothing now; this is tried again until it does');
    }
    await new Promise<void>((resolve) => {
      needs.clock.after(pace, resolve);
    });
  }
}

function isRefusedByDisk(error: unknown): boolean {
  return error instanceof KapalError && (error.code === 'disk_full' || error.code === 'disk_failed');
}
