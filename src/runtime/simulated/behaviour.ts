import type { Exit } from '../../model/instance.ts';

/** What a simulated program does; all durations are milliseconds after the run began. */
export interface Behaviour {
  /** The system refuses to start it, with these words. */
  readonly refused: string | null;
  /** Until its process is reported. */
  readonly launch: number;
  /** Until it listens; `null`: never, though it runs. */
  readonly listensAfter: number | null;
  /** Until it ends by itself; `null`: it stays. */
  readonly endsAfter: number | null;
  /** How it ends by itself. */
  readonly exit: Pick<Exit, 'code' | 'signal' | 'reason'>;
  /** How long it takes to end after SIGTERM; `null`: it ignores the signal. */
  readonly terminatesAfter: number | null;
  /** Processes of its group stay when the leader ends, until they are signalled. */
  readonly leavesProcesses: boolean;
  readonly residentBytes: number;
}

/** A well-behaved server. */
export const wellBehaved: Behaviour = {
  refused: null,
  launch: 5,
  listensAfter: 100,
  endsAfter: null,
  exit: { code: 0, signal: null, reason: 'exited' },
  terminatesAfter: 50,
  leavesProcesses: false,
  residentBytes: 50 * 1024 * 1024,
};
