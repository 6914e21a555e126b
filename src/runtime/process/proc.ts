import { readdirSync, readFileSync, readlinkSync, statSync } from 'node:fs';
import { RUN_VARIABLE } from './environment-script.ts';
import type { ProcessIdentity } from './record.ts';

/** One line of /proc/PID/stat, as far as it is needed here (proc(5)). `start` and `ticks` (CPU, with reaped children) are clock ticks. */
export interface ProcessStat {
  readonly pid: number;
  readonly state: string;
  readonly parent: number;
  readonly group: number;
  readonly session: number;
  readonly start: number;
  readonly ticks: number;
}

/** Clock ticks per second as Linux shows them to programs, on every architecture that Node runs on (USER_HZ). */
export const TICKS_PER_SECOND = 100;

/** `null` when there is no such process, or none that may be read. Synchronous: procfs answers from memory, in some 10 µs. */
export function readStat(pid: number): ProcessStat | null {
  const text = readProc(`/proc/${pid}/stat`);
  if (text === null) return null;
  // The name in brackets may hold anything, brackets too: fields are counted after the last one. Field 3 becomes index 0.
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
  const number = (field: number): number => Number(fields[field - 3]);
  return {
    pid,
    state: fields[0] ?? '?',
    parent: number(4),
    group: number(5),
    session: number(6),
    start: number(22),
    ticks: number(14) + number(15) + number(16) + number(17),
  };
}

/** Alive, and not a zombie: a zombie holds nothing but its exit status. */
export function isLive(stat: ProcessStat | null): stat is ProcessStat {
  return stat !== null && stat.state !== 'Z' && stat.state !== 'X';
}

/** Whether the very process runs, and not another one that was given its pid later. */
export function isRunning(process: ProcessIdentity, boot: string): boolean {
  if (process.boot !== boot) return false;
  const stat = readStat(process.pid);
  return isLive(stat) && stat.start === process.start;
}

export function bootId(): string {
  return readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
}

/** Milliseconds since boot, by the clock that counts start times. */
export function uptime(): number {
  return Number(readFileSync('/proc/uptime', 'utf8').split(' ')[0]) * 1000;
}

/** Every pid of this machine, or of this pid namespace. */
export function everyPid(): number[] {
  return readdirSync('/proc')
    .map(Number)
    .filter((pid) => Number.isInteger(pid));
}

/** The mark of the run that the process was started for, in its environment; `null` without one or where it may not be read. */
export function markOn(pid: number): string | null {
  const environment = readProc(`/proc/${pid}/environ`);
  if (environment === null) return null;
  const prefix = `${RUN_VARIABLE}=`;
  const entry = environment.split('\0').find((line) => line.startsWith(prefix));
  return entry?.slice(prefix.length) ?? null;
}

/** The effective user of a process, `null` when it is gone. */
export function ownerOf(pid: number): number | null {
  const match = /^Uid:\t\d+\t(\d+)/m.exec(readProc(`/proc/${pid}/status`) ?? '');
  return match?.[1] === undefined ? null : Number(match[1]);
}

/** 0 when the process is gone. In bytes, because pages differ between machines (4 to 64 KiB on arm64). */
export function residentBytesOf(pid: number): number {
  return Number(/^VmRSS:\s+(\d+) kB/m.exec(readProc(`/proc/${pid}/status`) ?? '')?.[1] ?? 0) * 1024;
}

/** The descriptors of a process that are sockets: inode by descriptor. Empty when it is gone or may not be read. */
export function socketsOf(pid: number): Map<string, number> {
  const sockets = new Map<string, number>();
  for (const descriptor of listProc(`/proc/${pid}/fd`)) {
    const inode = socketAt(pid, descriptor);
    if (inode !== null) sockets.set(descriptor, inode);
  }
  return sockets;
}

/** The inode of the socket at a descriptor, `null` when it is something else now. */
export function socketAt(pid: number, descriptor: string): number | null {
  try {
    const match = /^socket:\[(\d+)\]$/.exec(readlinkSync(`/proc/${pid}/fd/${descriptor}`));
    return match?.[1] === undefined ? null : Number(match[1]);
  } catch {
    return null;
  }
}

/** Milliseconds since the epoch at which a file was last written, `null` where there is none. */
export function writtenAt(path: string): number | null {
  return statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? null;
}

/** A file's text, `null` where there is none or its process has gone (ESRCH) or is another user's (EACCES, EPERM). */
export function readProc(path: string): string | null {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return null;
  }
}

function listProc(path: string): string[] {
  try {
    return readdirSync(path);
  } catch {
    return [];
  }
}
