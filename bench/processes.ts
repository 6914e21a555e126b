import { readdirSync, readFileSync } from 'node:fs';

/** Processes as the kernel shows them: proc_pid_stat(5), proc_pid_status(5). */
export interface ProcessStat {
  readonly pid: number;
  readonly state: string;
  readonly group: number;
  /** Seconds of CPU since its start, children not counted. */
  readonly cpu: number;
}

/** USER_HZ, which is 100 on every Linux that Kapal runs on (x86-64 and arm64). */
const ticksPerSecond = 100;

/** Null where there is no such process (any more). */
export function statOf(pid: number): ProcessStat | null {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'latin1');
    // The name is in parentheses and may hold anything; the fields after it are plain.
    const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
    return {
      pid,
      state: fields[0] ?? '',
      group: Number(fields[2]),
      cpu: (Number(fields[11]) + Number(fields[12])) / ticksPerSecond,
    };
  } catch {
    return null;
  }
}

export function runs(pid: number): boolean {
  const stat = statOf(pid);
  return stat !== null && stat.state !== 'Z' && stat.state !== 'X';
}

export function membersOfGroup(group: number): number[] {
  return readdirSync('/proc').flatMap((name) =>
    /^\d+$/.test(name) && statOf(Number(name))?.group === group ? [Number(name)] : [],
  );
}

/** What a process holds in memory, in MB: `anonymous` is its own, the rest are pages of files, which processes share. */
export function memoryOf(pid: number): {
  readonly resident: number;
  readonly anonymous: number;
  readonly peak: number;
} {
  const text = readFileSync(`/proc/${pid}/status`, 'latin1');
  const megabytes = (name: string) =>
    (Number(new RegExp(`^${name}:\\s+(\\d+) kB`, 'm').exec(text)?.[1] ?? Number.NaN) * 1024) / 1e6;
  return { resident: megabytes('VmRSS'), anonymous: megabytes('RssAnon'), peak: megabytes('VmHWM') };
}
