import type { Exit } from '../model/instance.ts';
import type { RunHandle } from '../runtime/port.ts';
import type { Dependencies } from './dependencies.ts';

export interface Ended {
  /** Why it ended: by itself, because its time was over, or because the caller gave up. */
  readonly by: 'itself' | 'timeout' | 'abort';
  readonly exit: Exit;
}

/** Milliseconds between looks at a one-off run; its watch hint usually comes first. */
const pollInterval = 100;

/** Resolves when a one-off run has ended and nothing of it remains. After `timeout`, or an abort, it gets SIGTERM and `grace` later SIGKILL. */
export async function exitOf(
  needs: Pick<Dependencies, 'runtime' | 'clock'>,
  input: { handle: RunHandle; timeout: number; grace: number; signal: AbortSignal },
): Promise<Ended> {
  const { runtime, clock } = needs;
  const { handle } = input;
  const deadline = clock.monotonic() + input.timeout;
  let by: Ended['by'] = 'itself';
  let killAt: number | null = null;
  for (;;) {
    const seen = await runtime.observe(handle);
    if (seen.phase === 'exited') {
      if (seen.remains) await runtime.signal(handle, 'kill');
      return { by, exit: seen.exit };
    }
    const now = clock.monotonic();
    if (killAt === null && (input.signal.aborted || now >= deadline)) {
      by = input.signal.aborted ? 'abort' : 'timeout';
      killAt = now + input.grace;
      await runtime.signal(handle, 'terminate');
    } else if (killAt !== null && now >= killAt) {
      killAt = now + 1_000;
      await runtime.signal(handle, 'kill');
    }
    await pause(needs, { handle, milliseconds: pollInterval });
  }
}

/** Waits for a while, or until the runtime reports the run. */
function pause(
  { runtime, clock }: Pick<Dependencies, 'runtime' | 'clock'>,
  input: { handle: RunHandle; milliseconds: number },
): Promise<void> {
  return new Promise((resolve) => {
    const end = () => {
      watching[Symbol.dispose]();
      timer[Symbol.dispose]();
      resolve();
    };
    const watching = runtime.watch((run) => {
      if (run === input.handle.id) end();
    });
    const timer = clock.after(input.milliseconds, end);
  });
}
