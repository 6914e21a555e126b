import { setTimeout as pause } from 'node:timers/promises';
import { crashpoint } from '../../lib/crashpoint.ts';
import { readIfThere, writeDurably } from '../../lib/files.ts';
import { rm } from 'node:fs/promises';
import { KapalError } from '../../model/errors.ts';
import { type EdgeFolder, startSocket } from './folder.ts';
import { nameStart } from './furnish.ts';
import { errorLog, logSize, wordsSince } from './logs.ts';
import { dismiss, hasRefused, type MasterControl, saveAddresses, swap, swapBack } from './master.ts';
import type { EdgePlan } from './plan.ts';
import { type EdgeProcess, isAlive, masterOf, processesOf, signal, workersOf } from './processes.ts';
import { askStatus, type NginxStatus } from './status.ts';

const POLL = 20;
/** From the signal until the workers of the new master answer, or until a new one that does not is gone. */
const TIMEOUT = 30_000;

/**
 * Has a running master start the program on disk as a master beside it, which inherits every listening socket: none is closed at any time, and what waits in
 * them is answered by whoever comes first. The old one goes on until all new workers answer, and then finishes what it has. The new one reads what is served
 * from the snapshots on disk, so nothing may change them meanwhile.
 *
 *   old --SIGUSR2--> old and new serve --all new workers answer--> old is asked to end (SIGQUIT) --nothing under way--> new
 *                                      --they do not-------------> new is asked to end -----------------------------> old
 *
 * Throws `edge_failed` where the new one does not come up; then what ran before goes on. `endpoints`: those that the old one may be talking to.
 */
export async function upgradeMaster(
  control: MasterControl,
  plan: EdgePlan,
  { old, endpoints }: { readonly old: EdgeProcess; readonly endpoints: readonly string[] },
): Promise<void> {
  const { folder } = control;
  await swap(control, plan);
  const socket = startSocket(await nameStart(folder));
  await writeDurably(folder.leaving, JSON.stringify(endpoints));
  const before = await logSize(folder);
  signal(old, 'SIGUSR2');
  crashpoint('nginx.upgrade.begun');
  try {
    await untilAllAnswer({ control, plan, old, before, socket });
  } catch (error) {
    await takeBack(control, old);
    throw error;
  }
  crashpoint('nginx.upgrade.serving');
  await saveAddresses(folder, plan);
  await endOthers(control);
}

/** Asks everything of the folder that is not the current master's to finish what it has; resolves when none of it takes connections any more. */
export async function endOthers(control: MasterControl): Promise<void> {
  const master = masterOf(control.folder);
  if (master === null) return;
  const others = othersThan(control.folder, master);
  for (const each of others) if (each.role === 'master') signal(each, 'SIGQUIT');
  await dismiss(
    control,
    others.filter(({ role }) => role === 'worker'),
  );
}

/**
 * Endpoints that workers of a replaced master may still be talking to, each once: nobody can ask those workers any more, so all that they knew counts until
 * they are gone.
 */
export async function leavingEndpoints(folder: EdgeFolder): Promise<readonly string[]> {
  const text = await readIfThere(folder.leaving);
  if (text === null) return [];
  const master = masterOf(folder);
  if (master !== null && othersThan(folder, master).length === 0) {
    await rm(folder.leaving, { force: true });
    return [];
  }
  return JSON.parse(text) as readonly string[];
}

function othersThan(folder: EdgeFolder, master: EdgeProcess): EdgeProcess[] {
  return processesOf(folder).filter(({ pid, parent }) => pid !== master.pid && parent !== master.pid);
}

/** The control socket is inherited too, and either master's workers answer there: the new one's are asked at a socket of their own. */
async function untilAllAnswer(change: {
  readonly control: MasterControl;
  readonly plan: EdgePlan;
  readonly old: EdgeProcess;
  readonly before: number;
  readonly socket: string;
}): Promise<void> {
  const { control, plan, old, before, socket } = change;
  const deadline = control.clock.monotonic() + TIMEOUT;
  for (;;) {
    const master = masterOf(control.folder);
    const isNew = master !== null && master.pid !== old.pid;
    if (isNew && haveAnswered(plan, workersOf(control.folder, master), await askStatus(control.folder, socket))) return;
    const words = await wordsSince(control.folder, before);
    const ended = words.some((line) => /new binary process \d+ (?:exited|was)/.test(line));
    if (ended || hasRefused(words) || control.clock.monotonic() > deadline || !isAlive(old))
      throw new KapalError('edge_failed', 'The nginx that is to take over does not serve', {
        hint: `${errorLog(control.folder)} has its last words.`,
        log: words.slice(-20),
      });
    await pause(POLL);
  }
}

function haveAnswered(plan: EdgePlan, workers: readonly EdgeProcess[], status: NginxStatus | null): boolean {
  const serving = workers.filter(({ role }) => role === 'worker');
  if (status === null || serving.length < plan.settings.workers) return false;
  return serving.every(({ pid }) => status.workers.some((worker) => worker.pid === pid));
}

/** The old one goes on, by its own file of its pid: nginx renames it when its new binary has ended. */
async function takeBack(control: MasterControl, old: EdgeProcess): Promise<void> {
  const { folder } = control;
  await swapBack(folder);
  const deadline = control.clock.monotonic() + TIMEOUT;
  while (masterOf(folder)?.pid !== old.pid && isAlive(old)) {
    const late = control.clock.monotonic() > deadline;
    for (const each of processesOf(folder))
      if (each.parent === old.pid && (each.role === 'master' || each.role === 'other'))
        signal(each, late ? 'SIGKILL' : 'SIGQUIT');
    await pause(POLL);
  }
  await rm(folder.leaving, { force: true });
}
