import { readFile } from 'node:fs/promises';
import { setTimeout as pause } from 'node:timers/promises';
import { failure, failureDocument } from '../../api/contract/exit.ts';
import { paths } from '../../api/contract/paths.ts';
import type { ShutdownRequest, StatusDocument } from '../../api/contract/types.ts';
import { isMissing } from '../../lib/files.ts';
import type { Command, Invocation } from '../command.ts';

/** Milliseconds for the daemon's process to end once it has agreed to. */
const LONGEST = 60_000;

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
    out.err.line(apps ? say.stoppingApps : say.stopping);
    await askToEnd(invocation, { apps });
    if ((host.env['KAPAL_API'] ?? '') === '') await ended(pid);
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

/** So that `kapal down && kapal up` finds the data folder free. */
async function ended(pid: number): Promise<void> {
  const deadline = performance.now() + LONGEST;
  while (await runs(pid)) {
    if (performance.now() > deadline) {
      throw failure('runtime_failed', `the daemon (pid ${pid}) agreed to end and did not within ${LONGEST / 1_000} s`);
    }
    await pause(20);
  }
}

/** A zombie, whose parent has not asked for its end yet, runs no more (proc_pid_stat(5): the state follows the name in parentheses). */
async function runs(pid: number): Promise<boolean> {
  try {
    const stat = await readFile(`/proc/${pid}/stat`, 'utf8');
    return stat.slice(stat.lastIndexOf(')') + 2, stat.lastIndexOf(')') + 3) !== 'Z';
  } catch (error) {
    // ESRCH: it ended between open and read.
    if (isMissing(error) || (error instanceof Error && error.message.includes('ESRCH'))) return false;
    throw error;
  }
}
