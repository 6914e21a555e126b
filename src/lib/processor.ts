import { readFileSync } from 'node:fs';

/**
 * Milliseconds that the first thread of a process has been ready to run and had no processor, since its start: the second field of /proc/PID/schedstat
 * (Documentation/scheduler/sched-stats.rst). 0 for one that is gone, and where the kernel does not count.
 */
export function processorWait(pid: number): number {
  try {
    const nanoseconds = Number(readFileSync(`/proc/${pid}/schedstat`, 'latin1').split(' ')[1]);
    return Number.isFinite(nanoseconds) ? nanoseconds / 1e6 : 0;
  } catch {
    return 0;
  }
}
