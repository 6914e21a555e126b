import { closeSync, constants, openSync, writeSync } from 'node:fs';
import type { Clock } from '../../lib/clock.ts';
import { errorCode } from '../../lib/files.ts';
import type { Exit } from '../../model/instance.ts';
import type { Listener, RunHandle, RunObservation } from '../port.ts';
import { markOf } from './environment-script.ts';
import type { Cgroups } from './hierarchy.ts';
import type { Layout, RunFiles } from './layout.ts';
import { answersLoopback } from '../loopback.ts';
import { listeningOf, type ListeningSocket, type ListenTable } from './listen-table.ts';
import { membersOf, type RunOfProcesses } from './members.ts';
import { isRunning, readProc, socketAt, socketsOf, TICKS_PER_SECOND, uptime, writtenAt } from './proc.ts';
import { explainExit, parseExit, parseIdentity, type ProcessIdentity } from './record.ts';

/** How long a keeper may take from the intent to its claim before the run is given up. */
const LAUNCH_PATIENCE = 10_000;
/** How long a leader may be gone while its keeper, still alive, has not written how it ended. */
const RECORD_PATIENCE = 2_000;

/** How long the last lines may take to reach the log; then processes that remain are taken to hold the pipe. */
const DRAIN_PATIENCE = 250;

/** What was learnt of a run and cannot change any more, so that a look in the steady state is one read of /proc. */
interface Known {
  leader: ProcessIdentity | null;
  startedAt: number | null;
  socket: { readonly pid: number; readonly descriptor: string; readonly inode: number } | null;
  leaderMissedAt: number | null;
  exit: Exit | null;
  remains: boolean;
}

/**
 * Says what is true of a run from the keeper's records and /proc.
 *
 *   intent --keeper claims--> claimed --stage writes .process--> running --keeper writes .exit, log drained--> exited
 *   intent --nobody claims in time, or a stop comes first: withdrawn--> exited (not-started)
 *   claimed | running --keeper gone without a record, or another boot--> exited (unknown)
 */
export class Observer {
  readonly #layout: Layout;
  readonly #boot: string;
  readonly #install: string;
  readonly #clock: Clock;
  readonly #cgroups: Cgroups | null;
  readonly #table: ListenTable;
  readonly #known = new Map<string, Known>();

  constructor(world: {
    layout: Layout;
    boot: string;
    install: string;
    clock: Clock;
    cgroups: Cgroups | null;
    table: ListenTable;
  }) {
    this.#layout = world.layout;
    this.#boot = world.boot;
    this.#install = world.install;
    this.#clock = world.clock;
    this.#cgroups = world.cgroups;
    this.#table = world.table;
  }

  observe(handle: RunHandle): RunObservation {
    const known = this.#knowledgeOf(handle.id);
    if (known.exit !== null) return this.#exited(handle, known, known.exit);
    const files = this.#layout.files(handle.id);
    known.leader ??= parseIdentity(readProc(`${files.record}.process`) ?? '');
    if (known.leader === null) return this.#beforeLeader(handle, known);
    if (isRunning(known.leader, this.#boot)) {
      known.startedAt ??= this.#wallTime(known.leader.start);
      const listening = this.#listens(handle, known);
      return { phase: 'running', pid: known.leader.pid, startedAt: known.startedAt, listening };
    }
    return this.#afterLeader(handle, { known, leader: known.leader });
  }

  /** The run's processes, as soon as a leader is known in this boot; `null` before, and after a restart of the machine. */
  processesOf(handle: RunHandle): RunOfProcesses | null {
    const known = this.#knowledgeOf(handle.id);
    known.leader ??= parseIdentity(readProc(`${this.#layout.files(handle.id).record}.process`) ?? '');
    if (known.leader === null || known.leader.boot !== this.#boot) return null;
    const { uid } = handle.driver;
    const mark = markOf(this.#install, handle.id);
    return { id: handle.id, mark, leader: known.leader, uid: typeof uid === 'number' ? uid : null };
  }

  /** The keeper, while it is alive. */
  keeperOf(handle: RunHandle): ProcessIdentity | null {
    const keeper = parseIdentity(readProc(this.#layout.files(handle.id).claim) ?? '');
    return keeper !== null && isRunning(keeper, this.#boot) ? keeper : null;
  }

  listeners(handle: RunHandle): Listener[] {
    const run = this.processesOf(handle);
    if (run === null) return [];
    const inodes = new Set(membersOf(run, this.#cgroups).flatMap(({ pid }) => [...socketsOf(pid).values()]));
    return this.#rowsOf(handle, run.leader)
      .filter((row) => inodes.has(row.inode))
      .map(({ address, port }) => ({ address, port }));
  }

  /** Keeps a keeper that has not claimed the run from ever starting it. True when no program runs or ever will. */
  withdraw(handle: RunHandle): boolean {
    const { claim } = this.#layout.files(handle.id);
    try {
      const descriptor = openSync(claim, constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL, 0o600);
      writeSync(descriptor, WITHDRAWN);
      closeSync(descriptor);
      return true;
    } catch (error) {
      const code = errorCode(error);
      if (code === 'ENOENT') return true; // disposed of: a keeper cannot claim either
      if (code === 'EEXIST') return readProc(claim) === WITHDRAWN;
      throw error;
    }
  }

  forget(id: string): void {
    this.#known.delete(id);
  }

  #knowledgeOf(id: string): Known {
    const found = this.#known.get(id);
    if (found !== undefined) return found;
    const fresh: Known = {
      leader: null,
      startedAt: null,
      socket: null,
      leaderMissedAt: null,
      exit: null,
      remains: true,
    };
    this.#known.set(id, fresh);
    return fresh;
  }

  #beforeLeader(handle: RunHandle, known: Known): RunObservation {
    const files = this.#layout.files(handle.id);
    const intended = writtenAt(files.intent);
    if (intended === null) return this.#lost(handle, known, 'nothing is known of this run');
    if (handle.driver['boot'] !== this.#boot) return this.#lost(handle, known, 'the machine was restarted');
    const refused = this.#readExit(files);
    if (refused !== null) return this.#exited(handle, known, refused);
    const claim = readProc(files.claim);
    const fresh = this.#clock.now() - intended < LAUNCH_PATIENCE;
    if (claim === null) {
      if (fresh || !this.withdraw(handle)) return { phase: 'launching' };
      return this.#notStarted(handle, known, 'its keeper did not report');
    }
    if (claim === WITHDRAWN) return this.#notStarted(handle, known, 'it was stopped before it began');
    const keeper = parseIdentity(claim);
    if (keeper === null ? fresh : isRunning(keeper, this.#boot)) return { phase: 'launching' };
    // The keeper may have come and gone between the looks above: what it wrote last counts.
    known.leader = parseIdentity(readProc(`${files.record}.process`) ?? '');
    if (known.leader !== null) return this.#afterLeader(handle, { known, leader: known.leader });
    const exit = this.#readExit(files);
    if (exit !== null) return this.#exited(handle, known, exit);
    const silent =
      claim === '' ? 'its keeper could not write: the disk may be full' : 'its keeper ended before it began';
    return this.#notStarted(handle, known, readProc(files.refusal)?.trim() || silent);
  }

  #afterLeader(handle: RunHandle, { known, leader }: { known: Known; leader: ProcessIdentity }): RunObservation {
    const files = this.#layout.files(handle.id);
    const sameBoot = leader.boot === this.#boot;
    if (sameBoot && this.#stillReporting(handle, known)) {
      known.startedAt ??= this.#wallTime(leader.start);
      return { phase: 'running', pid: leader.pid, startedAt: known.startedAt, listening: false };
    }
    const exit = this.#readExit(files);
    if (exit !== null) return this.#exited(handle, known, exit);
    return this.#lost(handle, known, sameBoot ? 'its keeper was killed' : 'the machine was restarted');
  }

  /** Whether the keeper is about to write how the leader ended, or the log's last lines are on their way. */
  #stillReporting(handle: RunHandle, known: Known): boolean {
    const { record } = this.#layout.files(handle.id);
    if (writtenAt(`${record}.drained`) !== null || this.keeperOf(handle) === null) return false;
    const recordedAt = writtenAt(`${record}.exit`);
    if (recordedAt !== null) return Math.abs(this.#clock.now() - recordedAt) < DRAIN_PATIENCE;
    known.leaderMissedAt ??= this.#clock.monotonic();
    return this.#clock.monotonic() - known.leaderMissedAt < RECORD_PATIENCE;
  }

  #readExit(files: RunFiles): Exit | null {
    const path = `${files.record}.exit`;
    const at = writtenAt(path);
    const record = at === null ? null : parseExit(readProc(path) ?? '');
    if (at === null || record === null) return null;
    const reached = (readProc(files.reached) ?? '') !== '';
    const refusal = readProc(files.refusal) ?? '';
    return explainExit(record, { reached, refusal, starved: readProc(files.starved), at: Math.round(at) });
  }

  #notStarted(handle: RunHandle, known: Known, detail: string): RunObservation {
    const exit: Exit = { code: null, signal: null, reason: 'not-started', at: this.#clock.now(), detail };
    return this.#exited(handle, known, exit);
  }

  #lost(handle: RunHandle, known: Known, detail: string): RunObservation {
    const exit: Exit = { code: null, signal: null, reason: 'unknown', at: this.#clock.now(), detail };
    return this.#exited(handle, known, exit);
  }

  #exited(handle: RunHandle, known: Known, exit: Exit): RunObservation {
    const run = known.remains ? this.processesOf(handle) : null;
    known.remains = run !== null && membersOf(run, this.#cgroups).length > 0;
    const daemonised = known.exit === null && known.remains && exit.reason === 'exited' && exit.code === 0;
    known.exit = daemonised ? { ...exit, detail: LEFT_BEHIND } : exit;
    return { phase: 'exited', exit: known.exit, remains: known.remains };
  }

  /** A descriptor found once is only looked at again: a listening socket stays one until it is closed. */
  #listens(handle: RunHandle, known: Known): boolean {
    const { port } = handle;
    if (port === null) return false;
    const { socket } = known;
    if (socket !== null && socketAt(socket.pid, socket.descriptor) === socket.inode) return true;
    known.socket = null;
    if (known.leader === null) return false;
    const rows = this.#rowsOf(handle, known.leader).filter((row) => row.port === port && answersLoopback(row.address));
    const run = rows.length === 0 ? null : this.processesOf(handle);
    if (run === null) return false;
    const inodes = new Set(rows.map((row) => row.inode));
    for (const { pid } of membersOf(run, this.#cgroups)) {
      for (const [descriptor, inode] of socketsOf(pid)) {
        if (!inodes.has(inode)) continue;
        known.socket = { pid, descriptor, inode };
        return true;
      }
    }
    return false;
  }

  /** In the network that the run has: its own, or the machine's. */
  #rowsOf({ driver }: RunHandle, leader: ProcessIdentity): readonly ListeningSocket[] {
    return typeof driver['network'] === 'string' ? listeningOf(leader.pid) : this.#table.rows();
  }

  #wallTime(ticks: number): number {
    return Math.round(this.#clock.now() - (uptime() - (ticks * 1000) / TICKS_PER_SECOND));
  }
}

/** A program that puts itself in the background, as daemons do, looks as if it ended well. */
const LEFT_BEHIND = 'what it left in the background was ended with it';

const WITHDRAWN = 'withdrawn\n';
