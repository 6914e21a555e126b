import { setTimeout as pause } from 'node:timers/promises';
import type { Cgroups } from './hierarchy.ts';
import { everyPid, isLive, markOn, ownerOf, type ProcessStat, readStat } from './proc.ts';
import type { ProcessIdentity } from './record.ts';

/** A run as far as its processes are concerned. */
export interface RunOfProcesses {
  readonly id: string;
  /** What its programs carry in their environment. */
  readonly mark: string;
  readonly leader: ProcessIdentity;
  /** The service's own user, `null` where users are not separate. */
  readonly uid: number | null;
}

/**
 * The living processes of a run, strays (double forks) included, in this boot. Exact where a cgroup holds them. Without one, a process
 * belongs to the run when its environment names the run, or when it has no mark, is in the leader's session, began no earlier than the
 * leader and, once the leader is gone, runs as the service's own user; never on the word of a session number alone, because numbers are used again.
 */
export function membersOf(run: RunOfProcesses, cgroups: Cgroups | null): ProcessStat[] {
  const held = cgroups?.members(run.id) ?? null;
  return held !== null ? withLeader(run, held.map(readStat).filter(isLive)) : membersAmong(run, everyProcess());
}

/** Every living process, and the run that its environment names: read once, to be asked for many runs. */
export interface Everybody {
  readonly stats: readonly ProcessStat[];
  readonly markOn: (pid: number) => string | null;
}

export function everyProcess(): Everybody {
  const marks = new Map<number, string | null>();
  return {
    stats: everyPid().map(readStat).filter(isLive),
    markOn(pid) {
      const known = marks.get(pid);
      if (known !== undefined) return known;
      const mark = markOn(pid);
      marks.set(pid, mark);
      return mark;
    },
  };
}

/** As `membersOf` without a cgroup. */
export function membersAmong(run: RunOfProcesses, { stats, markOn: markOf }: Everybody): ProcessStat[] {
  const leaderNow = stats.find((stat) => stat.pid === run.leader.pid);
  const numberReused = leaderNow !== undefined && leaderNow.start !== run.leader.start;
  return stats.filter((stat) => {
    if (stat.start < run.leader.start) return false;
    if (stat.pid === run.leader.pid) return !numberReused;
    const mark = markOf(stat.pid);
    if (mark !== null) return mark === run.mark;
    const inSession = stat.session === run.leader.pid && !numberReused;
    // As long as the leader lives, nobody else can have a session of its number.
    if (inSession && leaderNow !== undefined) return true;
    return inSession && run.uid !== null && ownerOf(stat.pid) === run.uid;
  });
}

/** Even a leader that somebody moved out of its cgroup is the run's. */
function withLeader(run: RunOfProcesses, held: ProcessStat[]): ProcessStat[] {
  if (held.some((stat) => stat.pid === run.leader.pid)) return held;
  const leader = readStat(run.leader.pid);
  return isLive(leader) && leader.start === run.leader.start ? [leader, ...held] : held;
}

/** Whether the leader is alive: the very process, not one with its number. */
export function leaderRuns(run: RunOfProcesses): boolean {
  const stat = readStat(run.leader.pid);
  return isLive(stat) && stat.start === run.leader.start;
}

/**
 * Sends a signal to the leader's group and to every other member by itself. Where the leader is gone each member is signalled by its
 * own pid, looked at once more just before, because a group's number may have passed to strangers.
 */
export function signalMembers(run: RunOfProcesses, signal: NodeJS.Signals, cgroups: Cgroups | null): void {
  const members = membersOf(run, cgroups);
  const grouped = leaderRuns(run) && signalLeader(run.leader.pid, signal);
  for (const member of members) {
    if (grouped && (member.pid === run.leader.pid || member.group === run.leader.pid)) continue;
    if (readStat(member.pid)?.start === member.start) send(member.pid, signal);
  }
}

/** True when the whole group got it: between its record and setsid(1) the leader leads no group yet. */
function signalLeader(leader: number, signal: NodeJS.Signals): boolean {
  if (send(-leader, signal)) return true;
  send(leader, signal);
  return false;
}

/** Signals a pid, or a group by its negative number. False when there was nobody (ESRCH) or the kernel refused (EPERM). */
export function send(target: number, signal: NodeJS.Signals): boolean {
  try {
    return process.kill(target, signal);
  } catch {
    return false;
  }
}

/** Ends every process of a user that Kapal made for one service, whatever run it came from. */
export async function endOf(uid: number): Promise<void> {
  const deadline = performance.now() + 5_000;
  for (;;) {
    const left = everyPid().filter((pid) => ownerOf(pid) === uid && isLive(readStat(pid)));
    if (left.length === 0 || performance.now() > deadline) return;
    for (const pid of left) send(pid, 'SIGKILL');
    await pause(5);
  }
}
