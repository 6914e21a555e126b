import { readFileSync, writeFileSync } from 'node:fs';
import type { Clock } from '../../lib/clock.ts';
import type { RunHandle } from '../port.ts';
import type { Layout } from './layout.ts';
import { everyProcess, membersAmong } from './members.ts';
import type { Observer } from './observer.ts';
import { residentBytesOf } from './proc.ts';
import type { Stopper } from './stopper.ts';

/** Milliseconds between two looks; the second one while some run is near its limit. */
const calm = 1_000;
const near = 300;
const nearFrom = 0.8;

interface Watched {
  readonly handle: RunHandle;
  readonly limit: number;
}

/**
 * Keeps memory limits where no cgroup can: sums what a run's processes hold resident, and ends the whole run when that is more than its
 * limit. It comes later than the kernel would, by a second at most, and only while a daemon runs. Why it ended the run is on disk before
 * the signal, so that every daemon knows it.
 */
export class MemoryWatch {
  readonly #layout: Layout;
  readonly #clock: Clock;
  readonly #observer: Observer;
  readonly #stopper: Stopper;
  readonly #watched = new Map<string, Watched>();
  #looking = false;

  constructor(world: { layout: Layout; clock: Clock; observer: Observer; stopper: Stopper }) {
    this.#layout = world.layout;
    this.#clock = world.clock;
    this.#observer = world.observer;
    this.#stopper = world.stopper;
  }

  /** `limit` in bytes. Repeatable; ends by itself with the run. */
  add(handle: RunHandle, limit: number): void {
    this.#watched.set(handle.id, { handle, limit });
    if (this.#looking) return;
    this.#looking = true;
    this.#clock.after(calm, () => this.#look());
  }

  #look(): void {
    const everybody = everyProcess();
    let fullest = 0;
    for (const { handle, limit } of this.#watched.values()) {
      if (this.#observer.observe(handle).phase === 'exited') this.#watched.delete(handle.id);
      const run = this.#observer.processesOf(handle);
      if (run === null || !this.#watched.has(handle.id)) continue;
      const pids = membersAmong(run, everybody).map(({ pid }) => pid);
      const resident = pids.reduce((sum, pid) => sum + residentBytesOf(pid), 0);
      fullest = Math.max(fullest, resident / limit);
      // Pages that its processes share count once for each: before anything is ended, they are counted in proportion.
      const used = resident <= limit ? resident : pids.reduce((sum, pid) => sum + shareOf(pid), 0);
      if (used > limit) this.#end({ handle, limit }, used);
    }
    const pace = fullest > nearFrom ? near : calm;
    this.#looking = this.#watched.size > 0;
    if (this.#looking) this.#clock.after(pace, () => this.#look());
  }

  #end({ handle, limit }: Watched, used: number): void {
    this.#watched.delete(handle.id);
    const words = `${megabytes(used)} of ${megabytes(limit)}`;
    try {
      writeFileSync(this.#layout.files(handle.id).starved, words, { mode: 0o600 });
    } catch {
      // The disk is full: it ends all the same, by SIGKILL as far as is known.
    }
    // What cannot be ended is looked at again.
    void this.#stopper.kill(handle).then(
      (gone) => (gone ? undefined : this.add(handle, limit)),
      () => this.add(handle, limit),
    );
  }
}

/** Bytes, of which shared pages count in proportion (proc_pid_smaps(5)); all that is resident where that may not be read. */
function shareOf(pid: number): number {
  try {
    const rollup = readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8');
    return Number(/^Pss:\s+(\d+) kB/m.exec(rollup)?.[1] ?? 0) * 1024;
  } catch {
    return residentBytesOf(pid);
  }
}

function megabytes(bytes: number): string {
  return `${Math.round(bytes / 1e6)} MB`;
}
