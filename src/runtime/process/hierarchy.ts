import { writeFile } from 'node:fs/promises';
import type { RunUsage } from '../port.ts';

/** What a run may take. */
export interface CgroupLimits {
  /** Bytes, `null` without a limit. */
  readonly memory: number | null;
  /** Processes and threads. */
  readonly processes: number;
}

/** Where the program enters its cgroups, and the file that counts the kernel's out-of-memory kills. Empty text where there is none. */
export interface CgroupPlaces {
  readonly memory: string;
  readonly cpu: string;
  /** Holds the number of processes down; `memory` may do so as well. */
  readonly pids: string;
  readonly oom: string;
}

/** The cgroups of one install, one per run. `null` answers mean that the run has none. */
export interface Cgroups {
  /** Repeatable. Throws a system error when the kernel refuses. */
  create(run: string, limits: CgroupLimits): Promise<CgroupPlaces>;
  /** Keeps the run from making more processes, so that those it has can be counted and ended. No error where that cannot be. */
  seal(run: string): void;
  members(run: string): number[] | null;
  usage(run: string): RunUsage | null;
  /** Removes the run's cgroups, which must be empty of processes; no error when they are gone. */
  remove(run: string): Promise<void>;
  /** Removes what holds the runs' cgroups, where it is empty: an install that runs nothing leaves nothing. `create` makes it anew. */
  tidy(): Promise<void>;
}

/** What a version of the interface knows: folders and files by name. */
export interface Hierarchy {
  /** The folders that hold the runs of this install. */
  readonly parents: readonly string[];
  create(run: string, limits: CgroupLimits): Promise<CgroupPlaces>;
  /** The file that says how many processes the run may have; `null` where there is none. */
  ceiling(run: string): string | null;
  /** The folders of a run, the one that lists its processes first. */
  folders(run: string): readonly [string, ...string[]];
  usage(run: string): RunUsage;
}

/** Writes a cgroup's setting. `r+`, because O_CREAT on a setting that this kernel lacks is EPERM instead of ENOENT. */
export async function setKnob(path: string, value: string): Promise<void> {
  await writeFile(path, value, { flag: 'r+' });
}

/** The number after a name in files like memory.stat (`name number` per line), 0 where the name is not there. */
export function statField(text: string, name: string): number {
  return Number(new RegExp(`^${name} (\\d+)$`, 'm').exec(text)?.[1] ?? 0);
}
