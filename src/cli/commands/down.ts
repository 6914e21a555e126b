import { readFile } from 'node:fs/promises';
import { setTimeout as pause } from 'node:timers/promises';
import { failure, failureDocument } from '../../api/contract/exit.ts';
import { paths } from '../../api/contract/paths.ts';
import type { ShutdownRequest, StatusDocument } from '../../api/contract/types.ts';
import { isMissing } from '../../lib/files.ts';
import type { Command, Invocation } from '../command.ts';

/** Milliseconds for the daemon's process to end once it has agreed to: what takes long is over by then. */
const longest = 20_000;

export const down: Command = {
  operands: [],
  options: [{ flags: '--apps', description: 'stop everything that it runs too, the edge last' }],
  examples: [
    ['down', 'end the daemon; apps and edge go on, and the next kapal up takes them over'],
    ['down --apps', 'end everything'],
  ],
  async run(invocation) {
    const { client, flags, out, say, json, host } = invocation;
    const apps = flags.has('apps');
    const { pid } = await client.get<StatusDocument>(paths.status);
    const daemon = { pid, since: (await startOf(pid)) ?? '' };
    out.err.line(apps ? say.stoppingApps : say.stopping);
    await askToEnd(invocation, { apps });
    if ((host.env['KAPAL_API'] ?? '') === '' && !(await ended(daemon))) out.err.line(say.daemonKilled(pid));
    if (json) out.json({ stopped: true, apps, pid });
    else out.out.line(apps ? say.stoppedApps : say.stopped);
    return 0;
  },
};

/** A daemon that is gone before its answer arrived has done what was asked. */
async function askToEnd({ client }: Invocation, request: ShutdownRequest): Promise<void> {
  try {
    await client.call('POST', paths.shutdown, request);
  } catch (error) {
    if (failureDocument(error).code !== 'no_daemon') throw error;
  }
}

/** A process, told from a later one of the same number. */
interface Daemon {
  readonly pid: number;
  readonly since: string;
}

/**
 * Waits, so that `kapal down && kapal up` finds the data folder free. False for a daemon that hung at its very end and was killed: it has nothing to lose,
 * for what it acknowledged is on record.
 */
async function ended(daemon: Daemon): Promise<boolean> {
  if (await isGone(daemon)) return true;
  try {
    process.kill(daemon.pid, 'SIGKILL');
  } catch (error) {
    // ESRCH: it has ended just now.
    if (error instanceof Error && 'code' in error && error.code === 'ESRCH') return true;
    const message = `the daemon (pid ${daemon.pid}) agreed to end, did not within ${longest / 1_000} s, and belongs to another user`;
    throw failure('runtime_failed', message, { hint: `Kill it: sudo kill -9 ${daemon.pid}. Nothing is lost.` });
  }
  await isGone(daemon);
  return false;
}

async function isGone({ pid, since }: Daemon): Promise<boolean> {
  const deadline = performance.now() + longest;
  while ((await startOf(pid)) === since) {
    if (performance.now() > deadline) return false;
    await pause(20);
  }
  return true;
}

/**
 * When the process began, in ticks since boot (proc_pid_stat(5), field 22); null for one that is gone. A zombie, whose parent has not asked for its end
 * yet, runs no more.
 */
async function startOf(pid: number): Promise<string | null> {
  try {
    const stat = await readFile(`/proc/${pid}/stat`, 'utf8');
    // The name, in parentheses, may hold spaces: the state is the first field after it.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return fields[0] === 'Z' ? null : (fields[19] ?? null);
  } catch (error) {
    // ESRCH: it ended between open and read.
    if (isMissing(error) || (error instanceof Error && error.message.includes('ESRCH'))) return null;
    throw error;
  }
}
