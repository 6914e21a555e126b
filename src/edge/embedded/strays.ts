import { readdirSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';
import type { Clock } from '../../lib/clock.ts';
import { commandOf, sessionOf } from './identity.ts';

/**
 * Kills what a killed keeper may have left without a file that names it: a worker forked an instant before. Told by two marks, since
 * the number of a session may be reused: it belongs to a keeper's session, and its command names this folder.
 */
export async function endStrays(options: {
  readonly sessions: readonly number[];
  readonly folder: string;
  readonly clock: Clock;
}): Promise<void> {
  const deadline = options.clock.monotonic() + 2000;
  for (;;) {
    const strays = straysOf(options);
    if (strays.length === 0 || options.clock.monotonic() > deadline) return;
    for (const pid of strays) kill(pid);
    await pause(10);
  }
}

function straysOf(options: { readonly sessions: readonly number[]; readonly folder: string }): number[] {
  if (options.sessions.length === 0) return [];
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((pid) => {
      const session = sessionOf(pid);
      return session !== null && options.sessions.includes(session) && commandOf(pid).includes(options.folder);
    });
}

function kill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // It ended in between.
  }
}
