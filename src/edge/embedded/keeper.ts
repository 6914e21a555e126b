import { closeSync, openSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { setTimeout as pause } from 'node:timers/promises';
import { launch, plainEnvironment } from '../../lib/exec.ts';
import type { Clock } from '../../lib/clock.ts';
import { crashpoint } from '../../lib/crashpoint.ts';
import { readIfThere, writeDurably } from '../../lib/files.ts';
import { KapalError } from '../../model/errors.ts';
import { drainQuestion, statusQuestion } from './control.ts';
import { type Fleet, forgetRetired, type HeldAddresses, surveyFleet, type WorkerProcess } from './fleet.ts';
import type { EdgeFolder } from './folder.ts';
import type { Engine } from './engine.ts';
import { commandOf, type Identity, isAlive, isAwake, signal } from './identity.ts';
import { formatAddress, type ListenAddresses, openListeners, type SocketAddress } from './listener.ts';
import { type AnsweringWorker, askWorkers } from './questions.ts';
import { endStrays } from './strays.ts';

const POLL = 20;
/** From the start of a generation until its workers serve. */
const READY_TIMEOUT = 15_000;

/** Starts and ends generations of workers in one edge folder. */
export interface KeeperControl {
  readonly folder: EdgeFolder;
  readonly clock: Clock;
  readonly note: (text: string) => void;
}

/**
 * Starts the next generation beside what runs and resolves when all its workers serve: by the living keeper of these addresses, whose
 * descriptors they inherit, or where it was killed by one of its slots; else by a new keeper with sockets of its own. If they do not
 * come up, they are ended and what ran before goes on. Throws `port_taken`, `edge_failed`.
 */
export async function startGeneration(
  control: KeeperControl,
  next: {
    readonly launch: string;
    readonly engine: Engine;
    readonly addresses: ListenAddresses;
    readonly workers: number;
  },
): Promise<number> {
  const generation = surveyFleet(control.folder).highest + 1;
  let began: Beginner = 'heir';
  await writeDurably(control.folder.launch(generation), next.launch);
  try {
    // One that is dying already, or dies now, hands nothing on: then it is the turn of the next.
    for (;;) {
      const heir = heirOf(surveyFleet(control.folder), next.addresses);
      if (heir === null) began = 'keeper';
      if (heir === null) await startKeeper(control, { ...next, generation });
      else await handOn(control, { heir, next: `${generation}\n${next.engine.keeper}\n` });
      crashpoint('edge.generation.begun');
      if (await comesUp(control, { generation, workers: next.workers, heir })) break;
    }
    crashpoint('edge.generation.serving');
    return generation;
  } catch (error) {
    await abandon(control, generation, began);
    throw error;
  }
}

/** Who began a generation: a keeper that was started for it, or whoever held the sockets already. */
type Beginner = 'keeper' | 'heir';

async function handOn(
  control: KeeperControl,
  { heir, next }: { readonly heir: Identity; readonly next: string },
): Promise<void> {
  await writeDurably(control.folder.next, next);
  wake(heir);
  signal(heir, 'SIGHUP');
}

/** Who has the descriptors of these addresses and can start workers. */
function heirOf(fleet: Fleet, addresses: ListenAddresses): Identity | null {
  const keeper = fleet.keepers.at(-1);
  if (keeper !== undefined) return holds(keeper, addresses) ? keeper.identity : null;
  return fleet.slots.find((slot) => holds(slot, addresses))?.identity ?? null;
}

/** Lets a process go on that somebody has stopped; answers whether it was. */
export function wake(identity: Identity): boolean {
  return isAlive(identity) && !isAwake(identity) && signal(identity, 'SIGCONT');
}

/**
 * Resolves when so many workers of a generation serve; with `false` where the process that is to start them has died and nothing else does. Throws
 * `edge_failed` with the workers' last lines when they do not come up.
 */
export async function comesUp(
  control: KeeperControl,
  wanted: { readonly generation: number; readonly workers: number; readonly heir: Identity | null },
): Promise<boolean> {
  const { heir } = wanted;
  const deadline = control.clock.monotonic() + READY_TIMEOUT;
  for (;;) {
    const fleet = surveyFleet(control.folder);
    const workers = fleet.workers.filter((worker) => worker.generation === wanted.generation);
    const answers = await askWorkers({ ...control, workers, question: statusQuestion });
    if (answers.filter(({ status }) => status.state === 'serving').length >= wanted.workers) return true;
    const isBegun = fleet.slots.some((slot) => slot.generation === wanted.generation);
    if (heir !== null && !isAlive(heir) && !isBegun) return false;
    if (control.clock.monotonic() > deadline) throw await notServing(control.folder);
    await pause(POLL);
  }
}

/**
 * Ends the generations before `first`: nothing restarts their workers any more, which stop accepting before this resolves and end by
 * themselves once what they have under way is done, at the latest after `grace` milliseconds.
 */
export async function retireBefore(
  control: KeeperControl,
  options: { readonly first: number; readonly grace: number },
): Promise<readonly WorkerProcess[]> {
  const fleet = surveyFleet(control.folder);
  for (const generation of fleet.generations) {
    if (generation < options.first) await rm(control.folder.launch(generation), { force: true });
  }
  const last = fleet.keepers.at(-1);
  const keepers = fleet.keepers.filter(
    ({ identity }) => identity.pid !== last?.identity.pid || options.first > fleet.highest,
  );
  // Whoever holds a copy of a listening descriptor without accepting leaves connections to wait for ever: end them before the drain.
  for (const { identity } of [...keepers, ...fleet.slots.filter((slot) => slot.generation < options.first)]) {
    signal(identity, 'SIGKILL');
  }
  const workers = fleet.workers.filter((worker) => worker.generation < options.first);
  await askWorkers({ ...control, workers, question: drainQuestion(options.grace) });
  return workers;
}

/** Ends everything; resolves when no process of this folder is left, at most a little after `grace` milliseconds. */
export async function endFleet(control: KeeperControl, grace: number): Promise<void> {
  const workers = await retireBefore(control, { first: Number.POSITIVE_INFINITY, grace });
  const deadline = control.clock.monotonic() + grace + 1000;
  while (control.clock.monotonic() < deadline && workers.some(({ identity }) => isAlive(identity))) await pause(POLL);
  for (const { identity } of workers) signal(identity, 'SIGKILL');
  const { sessions } = surveyFleet(control.folder);
  await endStrays({ sessions, folder: control.folder.path, clock: control.clock });
  await forgetRetired(control.folder);
}

/** Every worker that answers, of every generation: those that drain too. */
export async function askFleet(control: KeeperControl, fleet: Fleet): Promise<AnsweringWorker[]> {
  return askWorkers({ ...control, workers: fleet.workers, question: statusQuestion });
}

/** Whether a keeper's addresses are the wanted ones; port 0 takes what there is. */
export function holds(held: HeldAddresses, wanted: ListenAddresses): boolean {
  return isAt(held.http, wanted.http) && isAt(held.https, wanted.https);
}

function isAt(address: string | null, wanted: SocketAddress | null): boolean {
  if (address === null || wanted === null) return address === wanted;
  if (wanted.port !== 0) return address === formatAddress(wanted);
  return address.slice(0, address.lastIndexOf(':')) === formatAddress(wanted).slice(0, -2);
}

async function startKeeper(
  control: KeeperControl,
  next: {
    readonly engine: Engine;
    readonly addresses: ListenAddresses;
    readonly generation: number;
  },
): Promise<void> {
  const { folder } = control;
  const log = openSync(folder.workersLog, 'a', 0o600);
  try {
    await openListeners({
      addresses: next.addresses,
      ours: (holder) => commandOf(holder.pid).includes(folder.path),
      start: ({ http, https }) => {
        const addresses = [http?.address ?? '-', https?.address ?? '-'];
        const args = [next.engine.keeper, folder.path, String(next.generation), ...addresses];
        const child = launch('/bin/sh', args, {
          cwd: '/',
          env: plainEnvironment(),
          stdio: ['ignore', log, log, http?.descriptor ?? 'ignore', https?.descriptor ?? 'ignore'],
        });
        child.on('error', (error) => control.note(`edge: the keeper did not start: ${error.message}`));
        child.unref();
      },
    });
  } finally {
    closeSync(log);
  }
}

async function abandon(control: KeeperControl, generation: number, began: Beginner): Promise<void> {
  await rm(control.folder.launch(generation), { force: true });
  const fleet = surveyFleet(control.folder);
  // A keeper that has served before this generation holds the sockets of what goes on.
  const added = began === 'keeper' ? fleet.keepers.filter((keeper) => keeper.generation === generation) : [];
  const keepers = fleet.generations.length > 0 ? added : fleet.keepers;
  const members = [...fleet.slots, ...fleet.workers].filter((member) => member.generation === generation);
  for (const { identity } of [...keepers, ...members]) signal(identity, 'SIGKILL');
}

async function notServing(folder: EdgeFolder): Promise<KapalError> {
  const log = ((await readIfThere(folder.workersLog)) ?? '').trimEnd().split('\n').slice(-20);
  return new KapalError('edge_failed', 'The workers of the edge did not come up', {
    hint: `The last lines of ${folder.workersLog} say why.`,
    log,
  });
}
