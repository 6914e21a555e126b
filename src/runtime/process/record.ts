import { constants as system } from 'node:os';
import type { Exit } from '../../model/instance.ts';

/** A process for certain: pids are used again, but not with the same start time in the same boot. `start` is in clock ticks since boot. */
export interface ProcessIdentity {
  readonly pid: number;
  readonly start: number;
  readonly boot: string;
}

/** What the keeper saw when the program ended: `told` is whether its shell named a signal, `oomKills` the cgroup's count. */
export interface ExitRecord {
  readonly status: number;
  readonly told: boolean;
  readonly oomKills: number;
}

/** A record that the keeper wrote, or `null` for one that is not complete. */
export function parseIdentity(text: string): ProcessIdentity | null {
  const match = /^(\d+) (\d+) ([0-9a-f-]{36}) end\n$/.exec(text);
  if (match === null) return null;
  const [, pid = '', start = '', boot = ''] = match;
  return { pid: Number(pid), start: Number(start), boot };
}

export function parseExit(text: string): ExitRecord | null {
  const match = /^status=(\d+) told=([01]) oom=(\d+) end\n$/.exec(text);
  if (match === null) return null;
  const [, status = '', told = '', oom = ''] = match;
  return { status: Number(status), told: told === '1', oomKills: Number(oom) };
}

export interface ExitCircumstances {
  readonly reached: boolean;
  readonly refusal: string;
  /** Why the driver ended it for its memory; `null` where it did not. */
  readonly starved: string | null;
  readonly at: number;
}

/**
 * What the record means. `reached` is whether the stages before the program were passed, `refusal` what they wrote to stderr; `at` is
 * in milliseconds since the epoch. Of 128+n, dash and bash name every signal but SIGINT and SIGPIPE, so these two are taken for the signal.
 */
export function explainExit(record: ExitRecord, { reached, refusal, starved, at }: ExitCircumstances): Exit {
  const { status, told, oomKills } = record;
  const signal = signalName(status - 128);
  const signalled = signal !== null && (told || signal === 'SIGINT' || signal === 'SIGPIPE');
  if (!reached && !signalled) {
    const detail =
      refusal.trim().slice(0, 2000) || 'its environment did not arrive whole, or there was no room on the disk';
    return { code: null, signal: null, reason: 'not-started', at, detail };
  }
  const outcome = signalled ? { code: null, signal } : { code: status, signal: null };
  // The victim may be a child: a shell or npm then ends by itself with a code of its own, most often 137.
  const ended = outcome.signal === 'SIGKILL' || (outcome.code !== null && outcome.code !== 0);
  if (ended && (oomKills > 0 || starved !== null)) return { ...outcome, reason: 'out-of-memory', at, detail: starved };
  return { ...outcome, reason: signalled ? 'signalled' : 'exited', at, detail: null };
}

function signalName(number: number): string | null {
  const found = Object.entries(system.signals).find(([, value]) => value === number);
  return found?.[0] ?? null;
}
