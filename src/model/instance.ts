/**
 * One running copy of a release. It keeps its id over restarts; each start of its process is an attempt, and one attempt at the runtime is a run.
 *
 *   starting --ready--> ready <--probe--> unready
 *   starting | ready | unready --exit--> waiting --back-off over--> starting      (crash-looping is waiting or starting with 5 quick exits)
 *   starting | ready | unready | waiting --drain--> draining --idle or deadline--> stopping --group gone--> gone
 */
export const instanceStates = [
  'starting',
  'ready',
  'unready',
  'waiting',
  'crash-looping',
  'draining',
  'stopping',
  'gone',
] as const;
export type InstanceState = (typeof instanceStates)[number];

/** How a run ended. `reason` is `unknown` when the record was lost (its keeper was killed): then both `code` and `signal` are null. */
export interface Exit {
  readonly code: number | null;
  readonly signal: string | null;
  readonly reason: 'exited' | 'signalled' | 'out-of-memory' | 'not-started' | 'unknown';
  /** Milliseconds since the epoch. */
  readonly at: number;
  /** For `not-started`: what the system said. For `out-of-memory`: how much it used, where that is known. For `exited`: that processes were left. */
  readonly detail: string | null;
}

/** `exit code 1`, `killed by SIGSEGV`, ... : the words that every surface uses for an exit. */
export function describeExit(exit: Exit): string {
  switch (exit.reason) {
    case 'exited':
      return `exited with code ${exit.code}${exit.detail === null ? '' : ` (${exit.detail})`}`;
    case 'signalled':
      return `was ended by ${exit.signal}`;
    case 'out-of-memory':
      return `was killed because it used more memory than its limit${exit.detail === null ? '' : ` (${exit.detail})`}`;
    case 'not-started':
      return `could not be started${exit.detail === null ? '' : `: ${exit.detail}`}`;
    case 'unknown':
      return 'ended while nobody watched, the reason is not known';
  }
}
