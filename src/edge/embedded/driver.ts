import { isAbsolute } from 'node:path';
import type { Clock } from '../../lib/clock.ts';
import { makeFolder, readIfThere } from '../../lib/files.ts';
import { KapalError } from '../../model/errors.ts';
import type { EdgeCertificate } from '../certificate.ts';
import type { Edge, EdgeAddresses, EdgeStatus, PoolCounters, RouteTable } from '../port.ts';
import { checkFolders, checkTable } from '../check.ts';
import { describeTable } from '../describe-table.ts';
import { shedOf } from '../shed.ts';
import { addCounters, addInFlight } from './totals.ts';
import { applyQuestion, certificatesQuestion, type WorkerStatus } from './control.ts';
import { describeAddresses, describeTroubles } from './describe.ts';
import { pruneCopies } from '../code-copies.ts';
import { type Engine, installEngine } from './engine.ts';
import { type Fleet, forgetRetired, surveyFleet } from './fleet.ts';
import { edgeFolder, type EdgeFolder } from './folder.ts';
import {
  askFleet,
  comesUp,
  endFleet,
  holds,
  type KeeperControl,
  retireBefore,
  startGeneration,
  wake,
} from './keeper.ts';
import {
  furnishFolder,
  rehearse,
  renderLaunch,
  type WorkerAccount,
  workerCommand,
  workersIn,
  workersOwner,
} from './launch.ts';
import { type Identity, isAwake } from './identity.ts';
import { formatAddress, type SocketAddress } from './listener.ts';
import { TablePublisher } from './publisher.ts';
import { type AnsweringWorker, askWorkers } from './questions.ts';
import { readTable } from './table-file.ts';
import { CertificatePublisher } from './tls/publisher.ts';

/** Milliseconds from the end of a worker until it must serve again: five seconds of back-off, and time to start on a busy machine. */
const MISSING_TIMEOUT = 20_000;
/** Milliseconds until a launch that did not come up is tried again. */
const REFUSED_FOR = 600_000;

export interface EmbeddedEdgeOptions {
  /** Absolute; made on `ensure`. The workers' user must be able to pass through the folders above it. */
  readonly folder: string;
  /** Plain HTTP; port 0 takes a free one. `null`: no listener, only private streams, as beside another engine; its address in the status is then empty. */
  readonly http: SocketAddress | null;
  /** HTTPS; port 0 takes a free one. `null`: not served, and no code of TLS is loaded. */
  readonly https: SocketAddress | null;
  readonly workers: number;
  /** Absolute path of Node 24, where the workers' user can run it. */
  readonly node: string;
  /** Who the workers run as; `null`, or a daemon that is not root: the daemon's own user. */
  readonly account: WorkerAccount | null;
  readonly clock: Clock;
  /** Milliseconds that workers of a replaced generation may take for what they have under way. 30,000 unless told. */
  readonly handOverGrace?: number;
  /** For the daemon's log: what went differently than asked. */
  note?(text: string): void;
}

/** The edge made of Node workers under a keeper; see keeper.sh for its processes and folder.ts for its files. */
export function createEmbeddedEdge(options: EmbeddedEdgeOptions): Edge {
  if (!isAbsolute(options.folder))
    throw new KapalError('usage', `The edge's folder ${options.folder} is not absolute.`);
  return new EmbeddedEdge(options);
}

class EmbeddedEdge implements Edge {
  readonly name = 'embedded';
  readonly #options: EmbeddedEdgeOptions;
  readonly #folder: EdgeFolder;
  readonly #control: KeeperControl;
  readonly #publisher: TablePublisher;
  readonly #certificates: CertificatePublisher;
  #engine: Promise<Engine> | null = null;
  #launch: string | null = null;
  #turn: Promise<unknown> = Promise.resolve();
  /** How many `ensure` and `stop` are under way or wait. */
  #busy = 0;
  /** Who holds the sockets and restarts workers, as they were last seen well. */
  #holders: readonly Identity[] = [];
  /** When fewer workers than there should be began to serve, monotonic; `null`: all do. */
  #short: number | null = null;
  /** When a launch that did not come up is tried again, monotonic; until then `#launch` is the one that serves. */
  #again = Number.POSITIVE_INFINITY;

  constructor(options: EmbeddedEdgeOptions) {
    this.#options = options;
    this.#folder = edgeFolder(options.folder);
    this.#control = { folder: this.#folder, clock: options.clock, note: (text) => options.note?.(text) };
    const owner = (): Promise<WorkerAccount> => workersOwner(this.#folder);
    this.#publisher = new TablePublisher(
      this.#folder.table,
      async (json) => {
        await this.#push(applyQuestion(json));
      },
      owner,
    );
    this.#certificates = new CertificatePublisher({
      folder: this.#folder.certificates,
      owner,
      now: () => options.clock.now(),
      push: (digest) => this.#pushCertificates(digest),
    });
  }

  ensure(): Promise<EdgeStatus> {
    return this.#inTurn(async () => {
      const well = await this.#glance();
      if (well !== null) return well;
      await this.#bringUp();
      return this.status();
    });
  }

  isAlive(): boolean {
    // What is being started, replaced or ended is not dead.
    return this.#busy > 0 || this.#holders.every(isAwake);
  }

  async apply(table: RouteTable): Promise<void> {
    const problems = checkTable(table);
    if (problems.length > 0)
      throw new KapalError('edge_failed', `The route table is not sound: ${problems.join('; ')}`);
    await this.#publisher.publish(table);
  }

  present(certificates: readonly EdgeCertificate[]): Promise<void> {
    return this.#certificates.publish(certificates);
  }

  async status(): Promise<EdgeStatus> {
    const fleet = surveyFleet(this.#folder);
    const status = this.#statusOf(fleet, await askFleet(this.#control, fleet));
    if (status === null) throw this.#dead();
    return status;
  }

  async inFlight(): Promise<ReadonlyMap<string, number>> {
    return addInFlight(await this.#statuses());
  }

  async stalled(): Promise<readonly string[]> {
    const statuses = await this.#statuses();
    const answering = overloadedOf(statuses);
    return [...new Set(statuses.flatMap(({ stalled = [] }) => stalled))].filter((id) => !answering.includes(id));
  }

  async counters(): Promise<readonly PoolCounters[]> {
    return addCounters(await this.#statuses());
  }

  async describe(): Promise<string> {
    const fleet = surveyFleet(this.#folder);
    const head = describeAddresses(fleet.keepers.at(-1) ?? null);
    const statuses = (await askFleet(this.#control, fleet)).map(({ status }) => status);
    return `${[head, ...describeTroubles(statuses)].join('\n')}\n${describeTable(readTable(this.#folder.table))}`;
  }

  async check(table: RouteTable): Promise<readonly string[]> {
    return [...checkTable(table), ...(await checkFolders(table))];
  }

  stop(grace: number): Promise<void> {
    return this.#inTurn(() => endFleet(this.#control, grace));
  }

  /** The status where all is as this daemon left it, else `null`. For the daemon's regular look: one survey, one question for each worker. */
  async #glance(): Promise<EdgeStatus | null> {
    if (this.#options.clock.monotonic() > this.#again) this.#launch = null;
    if (this.#launch === null) return null;
    const fleet = surveyFleet(this.#folder);
    const keeper = fleet.keepers.at(-1);
    const [generation, ...others] = fleet.generations;
    if (keeper === undefined || generation === undefined || others.length > 0) return null;
    if (!holds(keeper, this.#options)) return null;
    const running = await readIfThere(this.#folder.launch(generation));
    if (running !== this.#launch) return null;
    const slots = fleet.slots.filter((slot) => slot.generation === generation);
    if (slots.length < workersIn(running)) return null;
    this.#holders = [keeper, ...slots].map(({ identity }) => identity);
    for (const holder of this.#holders)
      if (wake(holder)) this.#control.note(`edge: its keeper (pid ${holder.pid}) was stopped, and goes on`);
    const status = this.#statusOf(fleet, await askFleet(this.#control, fleet));
    return status === null || this.#isShort(status.workers.length < workersIn(running)) ? null : status;
  }

  /** Whether a worker has been missing for longer than a slot takes to start it again after many failures: then the slot hangs. */
  #isShort(missing: boolean): boolean {
    const now = this.#options.clock.monotonic();
    this.#short = missing ? (this.#short ?? now) : null;
    return this.#short !== null && now - this.#short > MISSING_TIMEOUT;
  }

  /** `null`: no worker serves. */
  #statusOf(fleet: Fleet, answers: readonly AnsweringWorker[]): EdgeStatus | null {
    const serving = answers.filter(({ status }) => status.state === 'serving');
    if (serving.length === 0) return null;
    return {
      engine: this.name,
      addresses: this.#addresses(fleet),
      workers: serving.map(({ status: { pid, version, residentBytes } }) => ({ pid, version, residentBytes })),
      shed: shedOf(addCounters(serving.map(({ status }) => status))),
      overloaded: overloadedOf(serving.map(({ status }) => status)),
    };
  }

  #addresses(fleet: Fleet): EdgeAddresses {
    const { http, https } = this.#options;
    const keeper = fleet.keepers.at(-1);
    if (keeper !== undefined) return { http: keeper.http ?? '', https: keeper.https };
    return { http: http === null ? '' : formatAddress(http), https: https === null ? null : formatAddress(https) };
  }

  /** Adopts what is as it should be, else has the next generation take over; where that one does not come up, what ran goes on. */
  async #bringUp(): Promise<void> {
    this.#again = Number.POSITIVE_INFINITY;
    try {
      if (!(await this.#adopt())) await this.#replace();
      this.#short = null;
    } catch (error) {
      if (!(error instanceof KapalError) || !(await this.#goesOn())) throw error;
      const words = [error.message, ...(error.log ?? [])].join('; ');
      this.#control.note(`edge: the next version does not come up, so the one that runs serves on: ${words}`);
    }
    const { keepers, slots } = surveyFleet(this.#folder);
    this.#holders = [...keepers.slice(-1), ...slots].map(({ identity }) => identity);
  }

  /** Whether what ran before serves at the wanted addresses; then it is what is wanted for a while. */
  async #goesOn(): Promise<boolean> {
    const fleet = surveyFleet(this.#folder);
    const [keeper, generation] = [fleet.keepers.at(-1), fleet.generations.at(-1)];
    if (keeper === undefined || generation === undefined || !holds(keeper, this.#options)) return false;
    if (this.#statusOf(fleet, await askFleet(this.#control, fleet)) === null) return false;
    this.#launch = await readIfThere(this.#folder.launch(generation));
    this.#again = this.#options.clock.monotonic() + REFUSED_FOR;
    return true;
  }

  /** Whether what runs is what is wanted; waits for its first worker, and finishes a hand-over that a dead daemon began. */
  async #adopt(): Promise<boolean> {
    const fleet = surveyFleet(this.#folder);
    const keeper = fleet.keepers.at(-1);
    const generation = fleet.generations.at(-1);
    if (keeper === undefined || generation === undefined || !holds(keeper, this.#options)) return false;
    const running = await readIfThere(this.#folder.launch(generation));
    if (running !== (await this.#launchText(running)) || this.#isShort(this.#short !== null)) return false;
    const wanted = { generation, workers: 1, heir: keeper.identity };
    if (!(await comesUp(this.#control, wanted).catch(() => false))) return false;
    const slots = surveyFleet(this.#folder).slots.filter((slot) => slot.generation === generation);
    if (slots.length < workersIn(running)) return false;
    await (fleet.generations.length > 1 ? this.#retireBefore(generation) : forgetRetired(this.#folder));
    return true;
  }

  async #replace(): Promise<void> {
    const engine = await this.#installed();
    const fleet = surveyFleet(this.#folder);
    const latest = fleet.generations.at(-1);
    const launch = await this.#launchText(latest === undefined ? null : await readIfThere(this.#folder.launch(latest)));
    const { workers } = this.#options;
    await this.#certificates.renewTickets();
    const generation = await startGeneration(this.#control, { launch, engine, addresses: this.#options, workers });
    await this.#retireBefore(generation);
    await pruneCopies(this.#folder.path, [launch]);
  }

  async #retireBefore(first: number): Promise<void> {
    await retireBefore(this.#control, { first, grace: this.#options.handOverGrace ?? 30_000 });
    await forgetRetired(this.#folder);
  }

  /**
   * How workers are to be started, found to work by a rehearsal unless it is what `latest` says already. Where the workers' user cannot
   * reach its files (a data folder below a private one), they run as the daemon's user: the edge answering comes first, and it is noted.
   */
  async #launchText(latest: string | null): Promise<string> {
    if (this.#launch !== null) return this.#launch;
    const account = process.getuid?.() === 0 ? this.#options.account : null;
    const wanted = await this.#render(account);
    if (latest === wanted.text) return (this.#launch = wanted.text);
    await furnishFolder(this.#folder, account);
    const failure = await rehearse(wanted.command);
    if (failure === null) return (this.#launch = wanted.text);
    if (account === null) throw rehearsalFailed(failure);
    this.#control.note(
      `edge: its workers cannot run as uid ${account.uid}, so they run as the daemon's user: ${failure}`,
    );
    const plain = await this.#render(null);
    await furnishFolder(this.#folder, null);
    const again = await rehearse(plain.command);
    if (again !== null) throw rehearsalFailed(again);
    return (this.#launch = plain.text);
  }

  async #render(account: WorkerAccount | null): Promise<{ command: readonly string[]; text: string }> {
    const engine = await this.#installed();
    const { node, http, https } = this.#options;
    const serves = { http: http !== null, https: https !== null };
    const command = workerCommand({ folder: this.#folder, engine, node, account, serves });
    return { command, text: renderLaunch(this.#options.workers, command) };
  }

  #installed(): Promise<Engine> {
    this.#engine ??= makeFolder(this.#folder.path).then(() => installEngine(this.#folder.path));
    return this.#engine;
  }

  async #push(question: string): Promise<AnsweringWorker[]> {
    const { workers } = surveyFleet(this.#folder);
    if (workers.length === 0) throw this.#dead();
    return askWorkers({ ...this.#control, workers, question });
  }

  /** Workers that drain take no new connection. */
  async #pushCertificates(digest: string): Promise<void> {
    if (this.#options.https === null) return;
    const answers = await this.#push(certificatesQuestion);
    const behind = answers.filter(({ status }) => status.state !== 'draining' && status.certificates !== digest);
    if (behind.length === 0) return;
    throw new KapalError('edge_failed', 'A worker of the edge does not present the certificates that it was given', {
      hint: `${this.#folder.workersLog} says why.`,
    });
  }

  async #statuses(): Promise<WorkerStatus[]> {
    const answers = await askFleet(this.#control, surveyFleet(this.#folder));
    return answers.map(({ status }) => status);
  }

  #dead(): KapalError {
    return new KapalError('edge_failed', `No worker of the edge in ${this.#folder.path} answers`, {
      hint: `The daemon starts it again; ${this.#folder.workersLog} has its last words.`,
    });
  }

  /** `ensure` and `stop` never overlap: each begins when the one before has ended, however it ended. */
  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    this.#busy += 1;
    const result = this.#turn.then(work).finally(() => (this.#busy -= 1));
    this.#turn = result.catch(() => undefined);
    return result;
  }
}

function rehearsalFailed(failure: string): KapalError {
  return new KapalError('edge_failed', "The edge's program does not start", {
    hint: 'Check that the Node of Kapal runs on this machine.',
    log: failure.split('\n'),
  });
}

function overloadedOf(statuses: readonly WorkerStatus[]): readonly string[] {
  return [...new Set(statuses.flatMap(({ overloaded = [] }) => overloaded))];
}
