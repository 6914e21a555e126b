import { readFileSync, statSync } from 'node:fs';
import { uptime } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { KapalError } from '../model/errors.ts';
import { readableError } from './sqlite-errors.ts';

/** SQLITE_BUSY, https://www.sqlite.org/rescode.html. */
const busy = 5;

/**
 * Makes this process the one daemon of a data folder until it is disposed of or the process dies, however it dies: SQLite's exclusive
 * lock is a POSIX lock of the kernel (fcntl(2), F_SETLK), which goes with its process and is not inherited by children.
 * A pid that is used again means nothing here. Throws KapalError `daemon_running` with the holder's pid, since when it runs, and its command.
 */
export function acquireLock(folder: string): Disposable {
  const path = join(folder, 'lock.db');
  let connection: DatabaseSync | null = null;
  try {
    // Two that begin in the same moment can each hinder the other for an instant: hence a little patience.
    connection = new DatabaseSync(path, { timeout: 250 });
    connection.exec('PRAGMA journal_mode = MEMORY; BEGIN EXCLUSIVE');
  } catch (error) {
    connection?.close();
    throw isBusy(error) ? running(folder, path) : readableError(error, { path });
  }
  const held = connection;
  return { [Symbol.dispose]: () => held.close() };
}

function running(folder: string, path: string): KapalError {
  const pid = holder(path);
  const who = pid === null ? 'another process' : `process ${pid}${factsOf(pid)}`;
  return new KapalError('daemon_running', `A daemon already holds ${folder}: ${who}`, {
    hint: '"kapal down" ends it; "--data DIR" chooses another data folder.',
  });
}

/** The pid that the kernel names for a lock on this file (proc_locks(5): `1: POSIX ADVISORY WRITE pid major:minor:inode start end`). */
function holder(path: string): number | null {
  const inode = inodeOf(path);
  try {
    for (const line of readFileSync('/proc/locks', 'utf8').split('\n')) {
      const [, , , mode, pid, place] = line.trim().split(/\s+/);
      if (mode === 'WRITE' && place?.split(':')[2] === inode && Number(pid) > 0) return Number(pid);
    }
  } catch {
    // Without /proc/locks (some containers hide it) the message does without the pid.
  }
  return null;
}

/** `, since 2026-01-31T08:00:00Z (node main.ts up)`; empty where the process cannot be looked at. */
function factsOf(pid: number): string {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    // proc_pid_stat(5): field 22 is the start, in hundredths of a second since boot; the name may hold blanks and parentheses.
    const ticks = Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19]);
    const since = new Date(Date.now() - (uptime() - ticks / 100) * 1000).toISOString().replace(/\.\d+/, '');
    const command = readFileSync(`/proc/${pid}/cmdline`, 'utf8')
      .replaceAll('\0', ' ')
      .trim()
      .replace(/\p{Cc}/gu, '?');
    return `, since ${since} (${command.slice(0, 200)})`;
  } catch {
    return '';
  }
}

/** Never through a descriptor: closing it would drop every lock that this process has on the file (fcntl(2)). */
function inodeOf(path: string): string {
  return String(statSync(path).ino);
}

function isBusy(error: unknown): boolean {
  return (
    error instanceof Error && 'errcode' in error && typeof error.errcode === 'number' && (error.errcode & 0xff) === busy
  );
}
