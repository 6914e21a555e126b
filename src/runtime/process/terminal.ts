import { readlinkSync } from 'node:fs';
import { exec } from '../../lib/exec.ts';
import type { RunSpec, TerminalSize } from '../port.ts';
import type { Cgroups } from './hierarchy.ts';
import { membersOf, type RunOfProcesses } from './members.ts';
import { quoted } from '../../model/shell.ts';

/**
 * The same run under a pseudo terminal of its own, made by script(1) of bsdutils, which every Debian has. Its echo is on although its input is a pipe: the
 * client's terminal is raw and shows nothing by itself.
 */
export function inTerminal(run: RunSpec, { rows, columns }: TerminalSize): RunSpec {
  const command = `stty rows ${Math.trunc(rows)} cols ${Math.trunc(columns)}; ${run.command}`;
  return {
    ...run,
    command: `exec script --quiet --return --flush --echo always --command ${quoted(command)} /dev/null`,
    environment: { ...run.environment, SHELL: '/bin/sh' },
  };
}

/** Sets the size of the terminal that processes of the run have as their input; the kernel tells its programs by SIGWINCH. */
export async function resizeTerminal(
  run: RunOfProcesses,
  cgroups: Cgroups | null,
  { rows, columns }: TerminalSize,
): Promise<void> {
  const terminals = new Set(membersOf(run, cgroups).flatMap(({ pid }) => terminalOf(pid)));
  const size = ['rows', String(Math.trunc(rows)), 'cols', String(Math.trunc(columns))];
  for (const path of terminals) await exec('stty', ['-F', path, ...size], { timeout: 5_000 });
}

function terminalOf(pid: number): string[] {
  try {
    const path = readlinkSync(`/proc/${pid}/fd/0`);
    return /^\/dev\/pts\/\d+$/.test(path) ? [path] : [];
  } catch {
    return [];
  }
}
