import type { Exit } from '../../model/instance.ts';
import type { RunHandle, RunSpec } from '../port.ts';
import type { Behaviour } from './behaviour.ts';

/** One simulated run. Moments are of the clock's `monotonic`, but for `at` of an exit. */
export interface SimulatedRun {
  readonly handle: RunHandle;
  readonly spec: RunSpec;
  readonly behaviour: Behaviour;
  readonly pid: number;
  readonly startedAt: number;
  readonly begun: number;
  /** The first SIGTERM. */
  terminated: number | null;
  ended: Exit | null;
  remains: boolean;
}

/**
 * The machine that simulated daemons share: it stays when a daemon "dies", and the next `createSimulatedRuntime` over it finds what runs.
 */
export class SimulatedWorld {
  readonly runs = new Map<string, SimulatedRun>();
  readonly watchers = new Set<(run: string) => void>();
  #pids = 1000;

  nextPid(): number {
    this.#pids += 1;
    return this.#pids;
  }

  /** Tells those who watch, a moment later as the kernel does: never inside the call that caused it. */
  report(run: string): void {
    queueMicrotask(() => {
      for (const changed of this.watchers) changed(run);
    });
  }
}
