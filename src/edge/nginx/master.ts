import { copyFile, readdir, rename, rm } from 'node:fs/promises';
import { connect } from 'node:net';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import type { Clock } from '../../lib/clock.ts';
import { crashpoint } from '../../lib/crashpoint.ts';
import { exec, type ExecResult } from '../../lib/exec.ts';
import { exists, writeDurably } from '../../lib/files.ts';
import { KapalError } from '../../model/errors.ts';
import type { SocketAddress } from './address.ts';
import { askControl } from './control.ts';
import type { EdgeFolder } from './folder.ts';
import { nameStart } from './furnish.ts';
import { errorLog, logSize, wordsSince } from './logs.ts';
import type { EdgePlan } from './plan.ts';
import { type EdgeProcess, isAlive, masterOf, processesOf, signal, workersOf } from './processes.ts';

const POLL = 20;
/** From the start, or from a change of the configuration, until it answers. */
const READY_TIMEOUT = 30_000;
/** A master notes its pid a moment after the process that started it has ended. Where nothing but workers is there for so long, it has died. */
const GONE = 1_000;

/** Starts, changes and ends the nginx of one folder. */
export interface MasterControl {
  readonly folder: EdgeFolder;
  readonly clock: Clock;
}

/**
 * Starts a master where none runs and resolves when its workers answer. Workers that a killed master left serve until then on sockets of their own, and
 * afterwards finish what they have. Throws `edge_failed` with nginx's words.
 */
export async function startMaster(control: MasterControl, plan: EdgePlan): Promise<void> {
  const { folder } = control;
  const orphans = processesOf(folder);
  // Nothing runs that a test beforehand could spare: nginx says at its start what it would say then.
  await writeDurably(folder.configuration, plan.configuration.text, 0o644);
  crashpoint('nginx.configuration.written');
  await nameStart(folder);
  await saveAddresses(folder, plan);
  for (const name of await readdir(folder.control)) await rm(join(folder.control, name), { force: true });
  await rm(folder.pid, { force: true });
  const before = await logSize(folder);
  const started = await runNginx(control, plan, ['-c', 'nginx.conf']);
  crashpoint('nginx.started');
  if (!started.ok) throw failed('nginx did not start', started);
  await untilServing(control, plan, before);
  await dismiss(control, orphans);
}

/** Time for a worker to close its sockets once it is asked to end. */
const CLOSING_TIMEOUT = 2000;

/**
 * Asks workers to end after what they have under way. One that does not even begin to is hung: connections would wait in its listening socket for ever, so
 * it is killed.
 */
export async function dismiss(control: MasterControl, orphans: readonly EdgeProcess[]): Promise<void> {
  for (const orphan of orphans) signal(orphan, 'SIGQUIT');
  const deadline = control.clock.monotonic() + CLOSING_TIMEOUT;
  const serving = (): EdgeProcess[] => {
    const now = processesOf(control.folder).filter(({ role }) => role === 'worker');
    return orphans.filter((orphan) => now.some(({ pid, start }) => pid === orphan.pid && start === orphan.start));
  };
  while (serving().length > 0 && control.clock.monotonic() < deadline) await pause(POLL);
  for (const hung of serving()) signal(hung, 'SIGKILL');
}

/**
 * Brings a running master to another configuration: tested beside, swapped, looked at, and taken back where it does not come to serve. Open connections stay
 * with the workers that have them.
 */
export async function changeMaster(control: MasterControl, plan: EdgePlan): Promise<void> {
  const { folder } = control;
  await swap(control, plan);
  const before = await logSize(folder);
  reload(folder);
  try {
    await untilServing(control, plan, before);
  } catch (error) {
    await swapBack(folder);
    reload(folder);
    throw error;
  }
  await saveAddresses(folder, plan);
}

/** Puts the next configuration in the place of the last one, once nginx itself finds nothing wrong with it. No process reads it yet. */
export async function swap(control: MasterControl, plan: EdgePlan): Promise<void> {
  const { folder } = control;
  await stage(control, plan);
  if (await exists(folder.configuration)) await copyFile(folder.configuration, folder.last);
  await rename(folder.next, folder.configuration);
  crashpoint('nginx.configuration.swapped');
}

export async function swapBack(folder: EdgeFolder): Promise<void> {
  if (await exists(folder.last)) await rename(folder.last, folder.configuration);
}

/** What nginx says about a configuration: nothing where it is sound. It opens files and looks at everything, and touches nothing that runs. */
export async function testConfiguration(control: MasterControl, plan: EdgePlan): Promise<readonly string[]> {
  await writeDurably(control.folder.next, plan.configuration.text, 0o644);
  const tested = await runNginx(control, plan, ['-t', '-q', '-c', 'nginx.conf.next']);
  return tested.ok ? [] : wordsOf(tested);
}

/** Resolves when this configuration answers, by as many workers as it wants. Throws `edge_failed` with what the log says after so many bytes (`null`: now). */
export async function untilServing(control: MasterControl, plan: EdgePlan, since: number | null): Promise<void> {
  const before = since ?? (await logSize(control.folder));
  const deadline = control.clock.monotonic() + READY_TIMEOUT;
  let seen = control.clock.monotonic();
  while (!(await isServing(control.folder, plan))) {
    if (isUnderWay(control.folder)) seen = control.clock.monotonic();
    const words = await wordsSince(control.folder, before);
    const refused = hasRefused(words);
    const died = control.clock.monotonic() - seen > GONE;
    if (refused || died || control.clock.monotonic() > deadline)
      throw new KapalError('edge_failed', 'nginx does not serve its configuration', {
        hint: `${errorLog(control.folder)} has its last words.`,
        log: words.slice(-20),
      });
    await pause(POLL);
  }
}

/** nginx -t does not run Lua where there is shared memory: an error in it shows only in the log of a start. */
export function hasRefused(words: readonly string[]): boolean {
  return words.some((line) => /\[emerg\]|init_by_lua error|failed to load the 'resty\.core'/.test(line));
}

/** A master, or what is about to become one. */
function isUnderWay(folder: EdgeFolder): boolean {
  return masterOf(folder) !== null || processesOf(folder).some(({ role }) => role === 'master' || role === 'other');
}

/** A machine that has no time for anything else has ended what it was to kill after so long. */
const KILLING_TIMEOUT = 20_000;

/** Ends everything of the folder; resolves when no process is left, at most a little after `grace` milliseconds. */
export async function endMaster(control: MasterControl, grace: number): Promise<void> {
  if (grace > 0) await endAll(control, 'SIGQUIT', grace);
  await endAll(control, 'SIGTERM', 1000);
  await endAll(control, 'SIGKILL', KILLING_TIMEOUT);
}

/** Looks again until nothing is there: a master may have started a worker between being looked at and being told. */
async function endAll(control: MasterControl, name: NodeJS.Signals, patience: number): Promise<void> {
  const { folder, clock } = control;
  const deadline = clock.monotonic() + patience;
  while (clock.monotonic() < deadline) {
    const processes = processesOf(folder);
    if (processes.length === 0) return;
    // A master passes QUIT and TERM on to its workers; those that it has left behind are told one by one.
    const master = masterOf(folder);
    for (const each of processes)
      if (master === null || each.parent !== master.pid || name === 'SIGKILL') signal(each, name);
    while (processes.some(isAlive) && clock.monotonic() < deadline) await pause(POLL);
  }
}

async function stage(control: MasterControl, plan: EdgePlan): Promise<void> {
  const problems = await testConfiguration(control, plan);
  if (problems.length === 0) return;
  throw new KapalError('edge_failed', 'nginx refuses the next configuration, so the last one stays', { log: problems });
}

function reload(folder: EdgeFolder): void {
  const master = masterOf(folder);
  if (master !== null) signal(master, 'SIGHUP');
}

async function isServing(folder: EdgeFolder, plan: EdgePlan): Promise<boolean> {
  const master = masterOf(folder);
  if (master === null) return false;
  const serving = workersOf(folder, master).filter(({ role }) => role === 'worker');
  if (serving.length < plan.settings.workers) return false;
  const answer = await askControl(folder, { path: '/configuration', timeout: 2000 });
  if (answer.kind !== 'answered' || answer.body !== plan.configuration.digest) return false;
  if (plan.rehearsed === true) return true;
  const { http, https } = plan.settings;
  const open = await Promise.all([http, ...(https === null ? [] : [https])].map(accepts));
  return open.every(Boolean);
}

/** Whether a connection to the address is accepted, from this machine. */
function accepts({ host, port }: SocketAddress): Promise<boolean> {
  const anywhere: Readonly<Record<string, string>> = { '0.0.0.0': '127.0.0.1', '::': '::1', '*': '127.0.0.1' };
  return new Promise((resolve) => {
    const socket = connect({ host: anywhere[host] ?? host, port, timeout: 2000 });
    const finish = (answer: boolean): void => {
      socket.destroy();
      resolve(answer);
    };
    socket.once('connect', () => finish(true));
    socket.once('timeout', () => finish(false));
    socket.on('error', () => finish(false));
  });
}

/** nginx in its folder, and as root without a way to gain more rights than it has (setpriv(1)): its workers keep that. */
async function runNginx(control: MasterControl, plan: EdgePlan, args: readonly string[]): Promise<ExecResult> {
  const command = [plan.nginx.program, '-p', `${control.folder.path}/`, '-e', 'log/error.log', ...args];
  const [program = '', ...rest] = process.getuid?.() === 0 ? ['setpriv', '--no-new-privs', '--', ...command] : command;
  return exec(program, rest, { cwd: control.folder.path, timeout: 30_000 });
}

export async function saveAddresses(folder: EdgeFolder, { settings }: EdgePlan): Promise<void> {
  await writeDurably(folder.settings, `${JSON.stringify({ http: settings.http, https: settings.https })}\n`);
}

function failed(message: string, result: ExecResult): KapalError {
  return new KapalError('edge_failed', message, { log: wordsOf(result) });
}

function wordsOf(result: ExecResult): string[] {
  const lines = `${result.stderr}\n${result.stdout}`.split('\n').filter((line) => line.trim() !== '');
  return lines.length === 0 ? [`nginx ended with ${result.signal ?? String(result.code)}`] : lines.slice(-20);
}
