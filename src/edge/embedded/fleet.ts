import { readdirSync, readFileSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { isMissing } from '../../lib/files.ts';
import { type EdgeFolder, socketName } from './folder.ts';
import { childrenOf, commandOf, type Identity, isAlive, parseIdentity } from './identity.ts';

/** The processes of one edge folder that are alive, as its files name them. */
export interface Fleet {
  readonly keepers: readonly KeeperProcess[];
  readonly slots: readonly SlotProcess[];
  readonly workers: readonly WorkerProcess[];
  /** Generations that are not retired, ascending. */
  readonly generations: readonly number[];
  /** The highest number that was ever used here: the next generation comes after it. */
  readonly highest: number;
  /** The session of the last keeper, alive or not: orphans still belong to it. */
  readonly sessions: readonly number[];
}

export interface KeeperProcess extends HeldAddresses {
  readonly generation: number;
  readonly identity: Identity;
}

/** `host:port` as they were asked for, with the ports that were bound; `null` where a keeper holds none. */
export interface HeldAddresses {
  readonly http: string | null;
  readonly https: string | null;
}

interface Member {
  readonly generation: number;
  readonly slot: number;
  readonly identity: Identity;
}

/** With its keeper's addresses, for it holds the same descriptors. */
export interface SlotProcess extends Member, HeldAddresses {}

export interface WorkerProcess extends Member {
  /** Name of its control socket in the folder `control`. */
  readonly socket: string;
}

export function surveyFleet(folder: EdgeFolder): Fleet {
  const names = namesIn(folder.path);
  const processes = names.map((name) => readProcess(folder, name)).filter((found) => found !== null);
  const alive = processes.filter((found) => isAlive(found.identity));
  const numbers = names.map(generationOf).filter((number) => number !== null);
  const slots = alive.filter((found) => found.role === 'slot');
  const workers = alive.filter((found) => found.role === 'worker');
  return {
    keepers: alive.filter((found) => found.role === 'keeper').sort((a, b) => a.generation - b.generation),
    slots,
    workers: [...workers, ...unnamedWorkers(folder, slots, workers)]
      .map((found) => ({ ...found, socket: socketName(found.generation, found.slot) }))
      .sort((a, b) => a.generation - b.generation || a.slot - b.slot),
    generations: names
      .filter((name) => name.startsWith('launch-'))
      .map((name) => Number(name.slice('launch-'.length)))
      .sort((a, b) => a - b),
    highest: Math.max(0, ...numbers),
    sessions: processes.filter((found) => found.role === 'keeper').map((found) => found.identity.pid),
  };
}

/** Workers of slots that could not write down who they started, as on a full disk: one that nobody knows of would serve the table it began with for ever. */
function unnamedWorkers(folder: EdgeFolder, slots: readonly Member[], workers: readonly Member[]): Member[] {
  const isNamed = (slot: Member): boolean =>
    workers.some((worker) => worker.generation === slot.generation && worker.slot === slot.slot);
  return slots
    .filter((slot) => !isNamed(slot))
    .flatMap(({ generation, slot, identity: { pid } }) => {
      const words = [folder.path, String(generation), String(slot)].join('\0');
      const found = childrenOf(pid).find((child) => commandOf(child.pid).join('\0').endsWith(`${words}\0`));
      return found === undefined ? [] : [{ generation, slot, identity: found }];
    });
}

/**
 * Removes the files of dead processes of retired generations. Those of a generation that lives are its keeper's: a slot may be
 * writing the name of its next worker at this moment, and a worker without a file would miss the next table.
 */
export async function forgetRetired(folder: EdgeFolder): Promise<void> {
  const names = namesIn(folder.path);
  const living = new Set(names.filter((name) => name.startsWith('launch-')).map(generationOf));
  for (const name of names) {
    const found = readProcess(folder, name);
    if (found === null || living.has(found.generation) || isAlive(found.identity)) continue;
    await rm(join(folder.path, name), { force: true });
    // Of one that was killed.
    if (found.role === 'worker')
      await rm(join(folder.control, socketName(found.generation, found.slot)), { force: true });
  }
}

interface FoundProcess extends Member, HeldAddresses {
  readonly role: 'keeper' | 'slot' | 'worker';
}

const PROCESS_FILE = /^(keeper|slot|worker)-(\d+)(?:-(\d+))?$/;

/** A dozen tiny files that the daemon looks at every other second: read without promises, which would cost ten times as much. */
function readProcess(folder: EdgeFolder, name: string): FoundProcess | null {
  const match = PROCESS_FILE.exec(name);
  if (match === null) return null;
  // A keeper of a version that knew no HTTPS wrote one address.
  const [line = '', http = '', https = ''] = unlessMissing(
    () => readFileSync(join(folder.path, name), 'utf8'),
    '',
  ).split('\n');
  const identity = parseIdentity(line);
  if (identity === null) return null;
  const role = match[1] as FoundProcess['role'];
  const held = { http: heldAddress(http), https: heldAddress(https) };
  return { role, generation: Number(match[2]), slot: Number(match[3] ?? 0), identity, ...held };
}

function heldAddress(text: string): string | null {
  return text === '' || text === '-' ? null : text;
}

function generationOf(name: string): number | null {
  const match = /^(?:launch|keeper|slot|worker)-(\d+)/.exec(name);
  return match === null ? null : Number(match[1]);
}

function namesIn(path: string): string[] {
  return unlessMissing(() => readdirSync(path), []);
}

function unlessMissing<T>(read: () => T, otherwise: T): T {
  try {
    return read();
  } catch (error) {
    if (isMissing(error)) return otherwise;
    throw error;
  }
}
