import { readdirSync, realpathSync } from 'node:fs';
import { linkOrEmpty, readOrEmpty } from '../../lib/proc-files.ts';
import type { EdgeFolder } from './folder.ts';

/** A process of this edge for certain: its working folder is the edge's own, which no other nginx's is, and its start tells it from a later one with the same pid. */
export interface EdgeProcess {
  readonly pid: number;
  /** Clock ticks from boot to its start: field 22 of proc(5)'s stat. */
  readonly start: string;
  readonly parent: number;
  /** `leaving`: a worker of a replaced configuration, or one that was asked to end, which finishes what it has. */
  readonly role: 'master' | 'worker' | 'leaving' | 'other';
}

/**
 * The master that the pid file names, or `null`: no file, or the pid is another process's by now. One that has been told to start its successor
 * (upgrade.ts) bears another file until that one has written its own.
 */
export function masterOf(folder: EdgeFolder): EdgeProcess | null {
  return masterIn(folder, folder.pid) ?? masterIn(folder, `${folder.pid}.oldbin`);
}

function masterIn(folder: EdgeFolder, file: string): EdgeProcess | null {
  const pid = Number(readOrEmpty(file));
  if (!Number.isSafeInteger(pid) || pid <= 1) return null;
  const found = processAt(pid, realFolder(folder));
  return found?.role === 'master' ? found : null;
}

/** The workers of a master, those that are leaving too. */
export function workersOf(folder: EdgeFolder, master: EdgeProcess): EdgeProcess[] {
  const children = readOrEmpty(`/proc/${master.pid}/task/${master.pid}/children`);
  // Kernels without CONFIG_PROC_CHILDREN have no such file.
  if (children.trim() === '') return processesOf(folder).filter(({ parent }) => parent === master.pid);
  return inFolder(children.trim().split(/\s+/).map(Number), realFolder(folder));
}

/** Whether a process is of this folder at this moment. */
export function isOf(folder: EdgeFolder, pid: number): boolean {
  return processAt(pid, realFolder(folder)) !== null;
}

/** Every process of this folder, also workers that a killed master left. */
export function processesOf(folder: EdgeFolder): EdgeProcess[] {
  const pids = readdirSync('/proc').filter((name) => /^\d+$/.test(name));
  return inFolder(pids.map(Number), realFolder(folder));
}

/** Signals exactly that process; one that is gone is no error. Answers whether it was there. */
export function signal(target: EdgeProcess, name: NodeJS.Signals): boolean {
  if (!isAlive(target)) return false;
  try {
    process.kill(target.pid, name);
    return true;
  } catch {
    return false;
  }
}

export function isAlive(target: EdgeProcess): boolean {
  const stat = readStat(target.pid);
  return stat !== null && stat.start === target.start && stat.state !== 'Z';
}

/** Whether it was stopped (SIGSTOP): it is there and does nothing. */
export function isStopped(target: EdgeProcess): boolean {
  const stat = readStat(target.pid);
  return stat !== null && stat.start === target.start && stat.state === 'T';
}

/**
 * The program and the libraries that a process runs from and that are not on disk any more: the machine's package manager has put others in their place
 * (proc_pid_maps(5)). Shared memory and what is compiled at run time have no file of that kind.
 */
export function replacedFiles(target: EdgeProcess): string[] {
  const program = linkOrEmpty(`/proc/${target.pid}/exe`);
  const mapped = readOrEmpty(`/proc/${target.pid}/maps`)
    .split('\n')
    .flatMap((line) => /^\S+ ..x. \S+ \S+ \d+\s+(\/.+ \(deleted\))$/.exec(line)?.[1] ?? []);
  const ours = mapped.filter((path) => path === program || /\.so(?:[.\s]|$)/.test(path));
  return [...new Set(ours)].map((path) => path.slice(0, -' (deleted)'.length));
}

/** Bytes of memory that the process has in RAM, what it shares with others included; 0 where it is gone. */
export function residentBytes(pid: number): number {
  const pages = Number(readOrEmpty(`/proc/${pid}/statm`).split(' ')[1]);
  return Number.isFinite(pages) ? pages * 4096 : 0;
}

function inFolder(pids: readonly number[], folder: string | null): EdgeProcess[] {
  return pids.map((pid) => processAt(pid, folder)).filter((found) => found !== null);
}

function processAt(pid: number, folder: string | null): EdgeProcess | null {
  if (folder === null || linkOrEmpty(`/proc/${pid}/cwd`) !== folder) return null;
  const stat = readStat(pid);
  if (stat === null || stat.state === 'Z') return null;
  // A process that is being ended loses its command line before its working folder and its sockets: its name tells what it was.
  const title = readOrEmpty(`/proc/${pid}/cmdline`);
  if (!(title === '' ? stat.program : title).includes('nginx')) return null;
  return { pid, start: stat.start, parent: stat.parent, role: roleOf(title) };
}

/** nginx writes its role where the command line was (ngx_setproctitle). */
function roleOf(title: string): EdgeProcess['role'] {
  if (title.startsWith('nginx: master process')) return 'master';
  if (title.startsWith('nginx: worker process is shutting down')) return 'leaving';
  return title.startsWith('nginx: worker process') ? 'worker' : 'other';
}

function readStat(pid: number): { program: string; state: string; parent: number; start: string } | null {
  const text = readOrEmpty(`/proc/${pid}/stat`);
  if (text === '') return null;
  // The program's name, in parentheses, may itself hold blanks and parentheses.
  const end = text.lastIndexOf(')');
  const fields = text.slice(end + 2).split(' ');
  const program = text.slice(text.indexOf('(') + 1, end);
  return { program, state: fields[0] ?? '', parent: Number(fields[1]), start: fields[19] ?? '' };
}

function realFolder(folder: EdgeFolder): string | null {
  try {
    return realpathSync(folder.path);
  } catch {
    return null;
  }
}
