import { setTimeout as pause } from 'node:timers/promises';
import { KapalError } from '../../model/errors.ts';
import type { RunHandle } from '../port.ts';
import type { Cgroups } from './hierarchy.ts';
import { leaderRuns, membersOf, type RunOfProcesses, send, signalMembers } from './members.ts';
import type { Observer } from './observer.ts';

/** How long a claimed run may take to name its leader; a signal that came earlier must not be lost. */
const LEADER_PATIENCE = 5_000;
/** How long processes may take to end after SIGKILL; one in uninterruptible sleep takes longer. */
const KILL_PATIENCE = 5_000;
/** How long the keeper may take to write its record after the leader has ended. */
const KEEPER_PATIENCE = 2_000;
const PACE = 5;
/** Processes beyond which a run is taken for one that forks without end, and looks at it before it is killed. */
const MANY = 64;
const SWEEPS = 4;

/** Signals runs and makes sure that they are gone. Waits for the kernel, so by real time. */
export class Stopper {
  readonly #observer: Observer;
  readonly #cgroups: Cgroups | null;

  constructor(observer: Observer, cgroups: Cgroups | null) {
    this.#observer = observer;
    this.#cgroups = cgroups;
  }

  async terminate(handle: RunHandle): Promise<void> {
    const run = await this.#runOf(handle);
    if (run === null) return;
    // Its other processes are what it ends itself; once it is gone nobody else would.
    if (handle.driver['terminate'] === 'leader' && leaderRuns(run)) send(run.leader.pid, 'SIGTERM');
    else signalMembers(run, 'SIGTERM', this.#cgroups);
  }

  /** Repeats SIGKILL until nothing is left, because a process may fork between the look and the signal. False when something stays. */
  async kill(handle: RunHandle): Promise<boolean> {
    const run = await this.#runOf(handle);
    if (run === null) return true;
    this.#cgroups?.seal(run.id);
    return until(KILL_PATIENCE, () => this.#killOnce(run));
  }

  /** Waits for the keeper to end by itself, then ends it: afterwards nothing writes to the run's files. */
  async endKeeper(handle: RunHandle): Promise<void> {
    if (await until(KEEPER_PATIENCE, () => this.#observer.keeperOf(handle) === null)) return;
    const keeper = this.#observer.keeperOf(handle);
    if (keeper !== null) send(keeper.pid, 'SIGKILL');
    await until(KEEPER_PATIENCE, () => this.#observer.keeperOf(handle) === null);
  }

  #killOnce(run: RunOfProcesses): boolean {
    const { length } = membersOf(run, this.#cgroups);
    if (length === 0) return true;
    // What forks without end gives the place of each that is killed to another; one that is stopped keeps its place and forks no more.
    if (length > MANY) for (let sweep = 0; sweep < SWEEPS; sweep += 1) signalMembers(run, 'SIGSTOP', this.#cgroups);
    signalMembers(run, 'SIGKILL', this.#cgroups);
    return membersOf(run, this.#cgroups).length === 0;
  }

  /** `null` when there is nothing to signal, for ever: gone, of another boot, or withdrawn before it began. */
  async #runOf(handle: RunHandle): Promise<RunOfProcesses | null> {
    if (this.#observer.withdraw(handle)) return null;
    const known = await until(
      LEADER_PATIENCE,
      () => this.#observer.processesOf(handle) !== null || this.#observer.observe(handle).phase !== 'launching',
    );
    if (!known) {
      throw new KapalError('runtime_failed', `Run ${handle.id} of ${handle.service} does not report its process`, {
        hint: 'Its keeper cannot write it down, most often because the disk is full.',
      });
    }
    return this.#observer.processesOf(handle);
  }
}

async function until(patience: number, reached: () => boolean): Promise<boolean> {
  const deadline = performance.now() + patience;
  while (!reached()) {
    if (performance.now() > deadline) return false;
    await pause(PACE);
  }
  return true;
}
