import { readdirSync, readFileSync } from 'node:fs';

/** A process for certain: a pid alone is reused (pid_max may be 32768), a start time alone after a reboot too. */
export interface Identity {
  readonly pid: number;
  /** Clock ticks from boot to its start: field 22 of proc(5)'s stat. */
  readonly start: string;
  /** /proc/sys/kernel/random/boot_id. */
  readonly boot: string;
}

/** `PID START BOOT` as the keeper writes it, or `null` for anything else. */
export function parseIdentity(line: string): Identity | null {
  const match = /^([1-9]\d*) (\d+) ([0-9a-f-]{36})$/.exec(line);
  if (match === null) return null;
  const [, pid = '', start = '', boot = ''] = match;
  return { pid: Number(pid), start, boot };
}

export function isAlive(identity: Identity): boolean {
  const stat = readStat(identity.pid);
  return stat !== null && stat.start === identity.start && stat.state !== 'Z' && identity.boot === bootId();
}

/** Whether it is there and was not stopped (SIGSTOP), in which case it does nothing. */
export function isAwake(identity: Identity): boolean {
  return isAlive(identity) && readStat(identity.pid)?.state !== 'T';
}

/** Signals exactly that process; one that is gone is no error. Answers whether it was there. */
export function signal(identity: Identity, name: NodeJS.Signals): boolean {
  if (!isAlive(identity)) return false;
  try {
    process.kill(identity.pid, name);
    return true;
  } catch {
    return false;
  }
}

/** Milliseconds since the process began, 0 where it is gone. The kernel counts in hundredths of a second (USER_HZ) on every platform of Node. */
export function ageOf(identity: Identity): number {
  if (!isAlive(identity)) return 0;
  const uptime = Number(readFileSync('/proc/uptime', 'utf8').split(' ')[0]);
  return Math.max(0, uptime * 1000 - Number(identity.start) * 10);
}

/** The session that a process belongs to: the pid of its leader, or `null` where it is gone. */
export function sessionOf(pid: number): number | null {
  return readStat(pid)?.session ?? null;
}

/** Processes that it has started and that are there; a look at every process of the machine. */
export function childrenOf(parent: number): Identity[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((name) => {
      const stat = readStat(Number(name));
      return stat?.parent === parent ? [{ pid: Number(name), start: stat.start, boot: bootId() }] : [];
    });
}

/** The words of a process's command line; none for one that is gone or a zombie. */
export function commandOf(pid: number): string[] {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0');
  } catch {
    return [];
  }
}

function readStat(pid: number): { state: string; parent: number; session: number; start: string } | null {
  let text: string;
  try {
    text = readFileSync(`/proc/${pid}/stat`, 'utf8');
  } catch {
    return null;
  }
  // The program's name, in parentheses, may itself hold blanks and parentheses.
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
  return { state: fields[0] ?? '', parent: Number(fields[1]), session: Number(fields[3]), start: fields[19] ?? '' };
}

function bootId(): string {
  return readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
}
