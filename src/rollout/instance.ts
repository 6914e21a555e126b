import type { Exit, InstanceState } from '../model/instance.ts';
import { backoff } from './backoff.ts';

/**
 * The life of one instance, from what is observed of it and done to it. Pure: the caller records the answer.
 *
 *   starting --ready--> ready <--3 failed probes | 1 good one--> unready
 *   starting | ready | unready --exit--> waiting, or crash-looping from the 5th quick exit
 *   waiting --retry--> starting          crash-looping --retry--> crash-looping without retryAt, until it is ready
 *   any of these --drain--> draining --terminate--> stopping        draining | stopping --exit--> gone
 */
export interface InstanceLife {
  readonly state: InstanceState;
  readonly since: number;
  readonly startedAt: number;
  readonly quickExits: number;
  readonly retryAt: number | null;
  readonly lastExit: Exit | null;
  /** Failed probes in a row. Need not outlive the daemon: it begins again at 0. */
  readonly failedProbes: number;
  /** What the last probe saw. */
  readonly detail: string | null;
}

/** What is seen of the present attempt's run. Observations of former runs are not for this function. */
export type RunSeen =
  | { readonly phase: 'launching' }
  | { readonly phase: 'running'; readonly listening: boolean }
  | { readonly phase: 'exited'; readonly exit: Exit; readonly remains: boolean };

export interface Seen {
  readonly now: number;
  readonly run: RunSeen;
  /** Null where none was made, or made before the run was seen. */
  readonly probe: { readonly ok: boolean; readonly detail: string; readonly late?: true } | null;
  /** Visitors ask it for more than it can answer, and it answers: a probe waits in the line with them. */
  readonly overloaded: boolean;
  /** Whether the service listens on a port. One that does not is ready when it has run for `settleTime`. */
  readonly listens: boolean;
  /** In [0, 1): jitter of the back-off. */
  readonly fraction: number;
}

export interface Lived {
  readonly life: InstanceLife;
  /** The leader ended by itself but processes of its group are left: kill them and observe again. Until then the exit does not count. */
  readonly clear: boolean;
}

/** After so many milliseconds a run counts as healthy: its exit is not quick. */
export const healthyTime = 10 * 60_000;

/** A worker answers no probe. One that crashes at boot must not pass for ready: it has to run for so long, in milliseconds. */
export const settleTime = 2_000;

const probesUntilUnready = 3;
const crashLoopFrom = 5;

export function observeInstance(life: InstanceLife, seen: Seen): Lived {
  if (!hasRun(life)) return { life, clear: false };
  if (seen.run.phase === 'exited') return exited(life, seen, seen.run);
  if (life.state === 'draining' || life.state === 'stopping') return { life, clear: false };
  if (seen.run.phase === 'launching') return { life, clear: false };
  return { life: healed(seen.listens ? probed(life, seen) : settled(life, seen), seen.now), clear: false };
}

/** When an instance that does not listen has to be observed again, or null. */
export function settlesAt(life: InstanceLife, listens: boolean): number | null {
  const boots = hasRun(life) && (life.state === 'starting' || life.state === 'crash-looping');
  return boots && !listens ? life.startedAt + settleTime : null;
}

/** The effect of an action on the record. Repeating it changes nothing. */
export function applyToInstance(
  life: InstanceLife,
  action: 'retry' | 'drain' | 'terminate',
  now: number,
): InstanceLife {
  const { state } = life;
  if (action === 'retry') return life.retryAt === null ? life : attempt(life, now);
  if (state === 'gone' || state === 'stopping' || (state === 'draining' && action === 'drain')) return life;
  return { ...life, state: action === 'drain' ? 'draining' : 'stopping', since: now, retryAt: null };
}

function attempt(life: InstanceLife, now: number): InstanceLife {
  const state = life.quickExits >= crashLoopFrom ? 'crash-looping' : 'starting';
  return { ...life, state, since: now, startedAt: now, retryAt: null, failedProbes: 0, detail: null };
}

/** Between attempts the last run is over and its observation says nothing new. */
function hasRun(life: InstanceLife): boolean {
  return life.state !== 'gone' && life.retryAt === null;
}

function exited(life: InstanceLife, seen: Seen, run: Extract<RunSeen, { phase: 'exited' }>): Lived {
  const ending = life.state === 'draining' || life.state === 'stopping';
  // What outlives its leader while it stops may be finishing requests: it has until SIGKILL.
  if (run.remains) return { life, clear: !ending };
  if (ending) return { life: { ...life, state: 'gone', since: seen.now, lastExit: run.exit }, clear: false };
  const quickExits = isQuick(life, run.exit) ? life.quickExits + 1 : 0;
  return {
    life: {
      ...life,
      state: quickExits >= crashLoopFrom ? 'crash-looping' : 'waiting',
      since: seen.now,
      quickExits,
      retryAt: seen.now + backoff(quickExits, seen.fraction),
      lastExit: run.exit,
      failedProbes: 0,
    },
    clear: false,
  };
}

/** Healthy time is counted from the beginning of the attempt to the exit, a spell of unreadiness at its end excluded. */
function isQuick(life: InstanceLife, exit: Exit): boolean {
  if (life.state !== 'ready' && life.state !== 'unready') return true;
  const healthyUntil = life.state === 'ready' ? exit.at : life.since;
  return healthyUntil - life.startedAt < healthyTime;
}

/** Readiness takes both: a good answer, and a socket that is the run's own. Else another program on the port would pass for it. */
function probed(life: InstanceLife, seen: Seen): InstanceLife {
  if (seen.probe === null || seen.run.phase !== 'running') return life;
  const foreign = seen.probe.ok && !seen.run.listening;
  const detail = foreign ? 'it does not listen on its port' : seen.probe.detail;
  if (seen.probe.ok && !foreign) return ready({ ...life, failedProbes: 0, detail }, seen.now);
  // To replace it would leave fewer to answer as many.
  if (seen.overloaded && seen.probe.late === true && life.state === 'ready')
    return { ...life, failedProbes: 0, detail: `${detail}: it is asked for more than it can answer` };
  const failedProbes = life.failedProbes + 1;
  const failing = { ...life, failedProbes, detail };
  if (life.state !== 'ready' || failedProbes < probesUntilUnready) return failing;
  return { ...failing, state: 'unready', since: seen.now };
}

function settled(life: InstanceLife, seen: Seen): InstanceLife {
  return seen.now - life.startedAt < settleTime ? life : ready(life, seen.now);
}

function ready(life: InstanceLife, now: number): InstanceLife {
  return life.state === 'ready' ? life : { ...life, state: 'ready', since: now };
}

/** Ten healthy minutes forget former quick exits. */
function healed(life: InstanceLife, now: number): InstanceLife {
  const healthy = life.state === 'ready' && now - life.startedAt >= healthyTime;
  return healthy && life.quickExits > 0 ? { ...life, quickExits: 0 } : life;
}
