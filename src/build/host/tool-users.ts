import { readdirSync } from 'node:fs';
import { linkOrEmpty, readOrEmpty } from '../../lib/proc-files.ts';

/**
 * Names of the entries of a folder in which a running process has its program, or that its environment names (PATH): it may call them at any
 * moment. What /proc does not show of a process is none of ours: our own are this user's, or we are root.
 */
export function entriesInUse(folder: string): ReadonlySet<string> {
  const found = new Set<string>();
  const start = `${folder}/`;
  for (const pid of readdirSync('/proc').filter((name) => /^\d+$/.test(name))) {
    for (const text of [linkOrEmpty(`/proc/${pid}/exe`), readOrEmpty(`/proc/${pid}/environ`)])
      for (const part of text.split(start).slice(1)) found.add(/^[^/:\0 ]*/.exec(part)?.[0] ?? '');
  }
  return found;
}
