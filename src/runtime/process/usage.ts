import type { RunUsage } from '../port.ts';
import type { Cgroups } from './hierarchy.ts';
import { membersOf, type RunOfProcesses } from './members.ts';
import { residentBytesOf, TICKS_PER_SECOND } from './proc.ts';

/**
 * What the run uses. Its cgroup counts exactly; without one it is the sum over living processes, where shared pages count for each and
 * the time of children that nobody waited for is lost. `null` when nothing of it is alive.
 */
export function usageOf(run: RunOfProcesses | null, cgroups: Cgroups | null): RunUsage | null {
  if (run === null) return null;
  const members = membersOf(run, cgroups);
  if (members.length === 0) return null;
  const counted = cgroups?.usage(run.id) ?? null;
  if (counted !== null) return counted;
  const residentBytes = members.reduce((sum, member) => sum + residentBytesOf(member.pid), 0);
  const ticks = members.reduce((sum, member) => sum + member.ticks, 0);
  return { residentBytes, cpuMilliseconds: (ticks * 1000) / TICKS_PER_SECOND };
}
