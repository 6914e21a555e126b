import { isAbsolute } from 'node:path';
import type { Clock } from '../../lib/clock.ts';
import { readIfThere } from '../../lib/files.ts';
import { KapalError } from '../../model/errors.ts';
import type { EdgeCertificate } from '../certificate.ts';
import { checkFolders, checkTable } from '../check.ts';
import type { Edge, EdgeStatus, InFlight, PoolCounters, RouteTable } from '../port.ts';
import { shedOf } from '../shed.ts';
import type { WorkerAccount } from './account.ts';
import { formatAddress, type SocketAddress } from './address.ts';
import { claimPort } from './claim.ts';
import { askControl, type ControlAnswer } from './control.ts';
import { describeEdge } from './describe.ts';
import { pruneCopies } from '../code-copies.ts';
import { addressesIn, certificateEntries, endpointsIn, type EntryDelta, isSame, tableEntries } from './entries.ts';
import { edgeFolder, type EdgeFolder } from './folder.ts';
import type { NginxPlaces } from './locate.ts';
import { rotateLogs } from './logs.ts';
import { endMaster, type MasterControl, testConfiguration } from './master.ts';
import { type LookUp, Names, systemLookUp } from './names.ts';
import { type EdgePlan, planEdge, readAddresses } from './plan.ts';
import { type EdgeProcess, isAlive, isOf, isStopped, masterOf, residentBytes, signal, workersOf } from './processes.ts';
import { EntryPublisher } from './publisher.ts';
import { endRehearsal } from './rehearsal.ts';
import { checkCertificates } from './soundness.ts';
import { Silence } from '../silence.ts';
import { askStatus, type NginxStatus, silentWorkers, withZeros } from './status.ts';
import { Succession } from './succession.ts';
import { leavingEndpoints } from './upgrade.ts';

/** A worker that has not answered a question yet. */
interface Owed {
  readonly question: number;
  readonly silence: Silence;
  /** When it was last listened to, monotonic. */
  readonly heardAt: number;
}

/** Milliseconds that count between two looks at most. */
const longestListening = 2_500;

export interface NginxEdgeOptions {
  /** Absolute; made on `ensure`. The workers' user must be able to pass through the folders above it. */
  readonly folder: string;
  /** Port 0 takes a free one, which stays with the folder. */
  readonly http: SocketAddress;
  /** `null`: no HTTPS. */
  readonly https: SocketAddress | null;
  readonly workers: number;
  /** Who the workers run as; `null`, or a daemon that is not root: the daemon's own user. */
  readonly account: WorkerAccount | null;
  readonly clock: Clock;
  /** Where nginx and its parts are looked for; the usual places unless told. */
  readonly places?: NginxPlaces;
  /** MiB of shared memory for routes and certificates: 128 unless told, which is some 10,000 domains. It is only taken as it fills. */
  readonly tableMemory?: number;
  /** How names of endpoints are resolved; as this machine does it unless told. */
  readonly lookUp?: LookUp;
  /** For the daemon's log: what went differently than asked. */
  note?(text: string): void;
}

/** The edge made of nginx with its Lua module; see folder.ts for its files and config/ for what it runs. It serves no private streams. */
export function createNginxEdge(options: NginxEdgeOptions): Edge {
  if (!isAbsolute(options.folder))
    throw new KapalError('usage', `The edge's folder ${options.folder} is not absolute.`);
  return new NginxEdge(options);
}

class NginxEdge implements Edge {
  readonly name = 'nginx';
  readonly #options: NginxEdgeOptions;
  readonly #folder: EdgeFolder;
  readonly #control: MasterControl;
  readonly #table: EntryPublisher;
  readonly #certificates: EntryPublisher;
  /** What this driver has seen running. */
  #running: { readonly workers: number; readonly master: EdgeProcess; readonly plan: EdgePlan } | null = null;
  readonly #succession: Succession;
  /** How many `ensure` and `stop` are under way or wait. */
  #busy = 0;
  /** Workers that had not answered at the last look. */
  #silent: ReadonlyMap<number, Owed> = new Map();
  readonly #names: Names;
  /** The newest table of this driver; null before the first. */
  #wanted: RouteTable | null = null;
  /** What was last noted of names that do not resolve. */
  #unresolved = '';
  #turn: Promise<unknown> = Promise.resolve();

  constructor(options: NginxEdgeOptions) {
    this.#options = options;
    const folder = edgeFolder(options.folder);
    this.#folder = folder;
    this.#control = { folder, clock: options.clock };
    this.#succession = new Succession({
      ...this.#control,
      account: options.account,
      endpoints: async () => endpointsIn((await this.#table.saved()).entries),
      note: (text) => options.note?.(text),
    });
    this.#names = new Names({ lookUp: options.lookUp ?? systemLookUp, clock: options.clock });
    const dead = (): KapalError => this.#dead();
    this.#table = new EntryPublisher({
      path: folder.state,
      push: (delta) => this.#tell('/entries', delta),
      subject: 'the route table',
      dead,
    });
    this.#certificates = new EntryPublisher({
      path: folder.certificateState,
      push: (delta) => this.#tell('/certificates', delta),
      subject: 'the certificates',
      dead,
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
    // What is being started, changed or ended is not dead.
    if (this.#busy > 0) return true;
    return this.#running !== null && isAlive(this.#running.master) && !isStopped(this.#running.master);
  }

  async apply(table: RouteTable): Promise<void> {
    const problems = this.#problemsOf(table);
    if (problems.length > 0)
      throw new KapalError('edge_failed', `The route table is not sound: ${problems.join('; ')}`);
    if (this.#wanted === null || table.version >= this.#wanted.version) this.#wanted = table;
    await this.#publish(table);
  }

  async present(certificates: readonly EdgeCertificate[]): Promise<void> {
    const problems = checkCertificates(certificates);
    if (problems.length > 0)
      throw new KapalError('edge_failed', `The certificates are not sound: ${problems.join('; ')}`);
    const saved = await this.#certificates.saved();
    const next = { version: saved.version + 1, entries: certificateEntries(certificates) };
    // The same set again is only looked at, not written.
    await this.#certificates.publish(isSame(saved, next) ? saved : next);
  }

  async status(): Promise<EdgeStatus> {
    const master = masterOf(this.#folder);
    const status = master === null ? null : this.#statusOf(master, await this.#ask());
    if (status === null) throw this.#dead();
    const addresses = await this.#addresses();
    return { ...status, addresses };
  }

  async inFlight(): Promise<InFlight> {
    const total = new Map(Object.entries((await this.#asked()).inFlight).filter(([, count]) => count > 0));
    for (const id of await leavingEndpoints(this.#folder)) total.set(id, (total.get(id) ?? 0) + 1);
    return total;
  }

  async stalled(): Promise<readonly string[]> {
    return (await this.#asked()).stalled;
  }

  async counters(): Promise<readonly PoolCounters[]> {
    const pools = [...(await this.#table.saved()).entries.keys()].filter((key) => key.startsWith('pool:'));
    return withZeros(
      (await this.#asked()).counters,
      pools.map((key) => key.slice('pool:'.length)),
    );
  }

  async describe(): Promise<string> {
    const master = masterOf(this.#folder);
    const addresses = master === null ? null : await this.#addresses();
    const configuration = (await readIfThere(this.#folder.configuration)) ?? '';
    const problems = this.#names.problems();
    return describeEdge({ addresses, configuration, table: await this.#table.saved(), problems });
  }

  async check(table: RouteTable): Promise<readonly string[]> {
    const problems = [...this.#problemsOf(table), ...(await checkFolders(table))];
    return [...problems, ...(await this.#inTurn(async () => testConfiguration(this.#control, await this.#plan())))];
  }

  stop(grace: number): Promise<void> {
    return this.#inTurn(async () => {
      this.#running = null;
      await endRehearsal(this.#control);
      await endMaster(this.#control, grace);
    });
  }

  async #tell(path: string, delta: EntryDelta): Promise<ControlAnswer> {
    const body = JSON.stringify(delta);
    for (;;) {
      const settled = this.#succession.settled;
      await settled;
      const answer = await askControl(this.#folder, { path, body, timeout: 30_000 });
      // One master began to hand over to another meanwhile: whichever took it, the other may not have.
      if (this.#succession.settled === settled) return answer;
    }
  }

  /** A table whose endpoints have addresses; what does not resolve is left out and noted. */
  async #publish(table: RouteTable): Promise<void> {
    const before = async (): Promise<ReadonlyMap<string, string>> => addressesIn((await this.#table.saved()).entries);
    const addresses = await this.#names.resolve(table, before);
    const unresolved = this.#names.problems().join('; ');
    if (unresolved !== this.#unresolved && unresolved !== '') this.#options.note?.(`edge: ${unresolved}`);
    this.#unresolved = unresolved;
    await this.#table.publish({ version: table.version, entries: tableEntries(table, addresses) });
  }

  /** What names lead to may have changed. A change that is not taken is no reason to touch what runs. */
  async #resolveAgain(): Promise<void> {
    if (this.#wanted === null || !this.#names.isDue(this.#wanted)) return;
    try {
      await this.#publish(this.#wanted);
    } catch (error) {
      this.#options.note?.(`edge: addresses of upstreams are not brought up to date: ${String(error)}`);
    }
  }

  /** The status where all is as this driver left it, else `null`. For the daemon's regular look: a few small files and one question. */
  async #glance(): Promise<EdgeStatus | null> {
    if (this.#running === null) return null;
    const { workers, master } = this.#running;
    if (masterOf(this.#folder)?.start !== master.start || this.#succession.isDue(master)) return null;
    if (isStopped(master) && signal(master, 'SIGCONT'))
      this.#options.note?.(`edge: the master of nginx (pid ${master.pid}) was stopped, and goes on`);
    if (await rotateLogs(this.#folder)) signal(master, 'SIGUSR1');
    await this.#resolveAgain();
    const answer = await this.#ask();
    if (answer !== null) this.#endHung(master, answer);
    const status = this.#statusOf(master, answer);
    if (status === null || status.workers.length !== workers) return null;
    return { ...status, addresses: await this.#addresses() };
  }

  /** A worker that has answered nothing over several looks is hung: connections wait in its socket for ever. It is killed, and the master starts another. */
  #endHung(master: EdgeProcess, status: NginxStatus): void {
    const now = this.#options.clock.monotonic();
    const silent = new Map<number, Owed>();
    for (const [pid, question] of silentWorkers(status)) {
      const known = this.#silent.get(pid);
      const owed = known?.question === question ? known : { question, silence: new Silence(pid), heardAt: now };
      // What this process slept through is no listening: it looks every two seconds.
      const hung = owed.silence.hears(Math.min(now - owed.heardAt, longestListening));
      silent.set(pid, { ...owed, heardAt: now });
      const worker = hung ? workersOf(this.#folder, master).find((one) => one.pid === pid) : undefined;
      if (worker === undefined || !signal(worker, 'SIGKILL')) continue;
      this.#options.note?.(`edge: nginx worker ${pid} did not answer and was killed; another takes its place`);
    }
    this.#silent = silent;
  }

  /** Adopts what runs as it should; starts what does not run; upgrades what runs differently. */
  async #bringUp(): Promise<void> {
    // What died was sound a moment ago: it comes back as it was, and nothing is looked at first that takes time.
    const before = masterOf(this.#folder) === null ? this.#running : null;
    this.#running = null;
    const plan = before === null ? await this.#plan() : before.plan;
    if (before !== null) await this.#claimAgain(plan);
    const workers = await this.#succession.bring(plan);
    const now = masterOf(this.#folder);
    if (now === null) throw this.#dead();
    this.#running = { workers, master: now, plan };
    const inUse = await Promise.all([this.#folder.configuration, this.#folder.last].map(readIfThere));
    await pruneCopies(this.#folder.path, [plan.settings.engine, ...inUse.map((text) => text ?? '')]);
  }

  #plan(): Promise<EdgePlan> {
    const { http, https, workers, account, places, tableMemory = 128 } = this.#options;
    return planEdge({
      folder: this.#folder,
      http,
      https,
      workers,
      account,
      places,
      tableMemory,
      claim: (address, protocol) => this.#claim(address, protocol),
      note: (text) => this.#options.note?.(text),
    });
  }

  async #claimAgain({ settings: { http, https } }: EdgePlan): Promise<void> {
    await this.#claim(http, 'http');
    if (https !== null) await this.#claim(https, 'https');
  }

  /** Asked of each holder when it is found: a master may start workers at any moment. */
  #claim(address: SocketAddress, protocol: 'http' | 'https'): Promise<number> {
    return claimPort({ address, protocol, ours: ({ pid }) => isOf(this.#folder, pid) });
  }

  #problemsOf(table: RouteTable): string[] {
    const streams = table.streams.map(({ port }) => `stream on port ${port}: nginx serves no private streams`);
    return [...checkTable(table), ...streams];
  }

  #ask(): Promise<NginxStatus | null> {
    return askStatus(this.#folder);
  }

  async #asked(): Promise<NginxStatus> {
    const status = await this.#ask();
    if (status === null) throw this.#dead();
    return status;
  }

  /** Whoever answers a request looks at the version first, so the shared memory's version is every worker's. */
  #statusOf(master: EdgeProcess, status: NginxStatus | null): Omit<EdgeStatus, 'addresses'> | null {
    const serving = workersOf(this.#folder, master).filter(({ role }) => role === 'worker');
    if (status === null || serving.length === 0) return null;
    return {
      engine: this.name,
      workers: serving.map(({ pid }) => ({ pid, version: status.version, residentBytes: residentBytes(pid) })),
      shed: shedOf(status.counters),
      overloaded: status.overloaded,
    };
  }

  async #addresses(): Promise<EdgeStatus['addresses']> {
    const { http, https } = (await readAddresses(this.#folder)) ?? this.#options;
    return { http: formatAddress(http), https: https === null ? null : formatAddress(https) };
  }

  #dead(): KapalError {
    return new KapalError('edge_failed', `The nginx of the edge in ${this.#folder.path} does not answer`, {
      hint: `The daemon starts it again; ${this.#folder.log} has its last words.`,
    });
  }

  /** One after another: two that start an engine at once would start two. */
  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    this.#busy += 1;
    const result = this.#turn.then(work).finally(() => (this.#busy -= 1));
    this.#turn = result.catch(() => undefined);
    return result;
  }
}
