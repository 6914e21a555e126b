import { randomBytes } from 'node:crypto';
import { rm } from 'node:fs/promises';
import { availableParallelism, totalmem } from 'node:os';
import { join } from 'node:path';
import { tryAddress } from '../api/listeners.ts';
import { createApi } from '../api/server.ts';
import { createHostBuilder } from '../build/host/driver.ts';
import { HostTools } from '../build/host/tool-store.ts';
import { ensureToolchain } from '../build/host/toolchain.ts';
import type { DaemonFacts, DaemonOptions as CliDaemonOptions } from '../cli/host.ts';
import { describeHolders, holdersOf } from '../edge/holder.ts';
import { type Random, systemClock } from '../lib/clock.ts';
import { crashpoint } from '../lib/crashpoint.ts';
import { writeDurably } from '../lib/files.ts';
import { isPortFree } from '../lib/free-port.ts';
import type { Log } from '../lib/log.ts';
import { KapalError } from '../model/errors.ts';
import type { ServiceId } from '../model/service.ts';
import { openLogStore } from '../observe/logs/store.ts';
import { createProber } from '../observe/prober.ts';
import type { CertificateSources } from '../reconcile/certificate-sources.ts';
import type { Dependencies } from '../reconcile/dependencies.ts';
import { decisions } from '../reconcile/decisions.ts';
import { Engine } from '../reconcile/engine.ts';
import { openToEdge } from '../reconcile/recovery.ts';
import { Artifacts } from '../release/artifacts.ts';
import { Disks } from '../release/disks.ts';
import { createLinuxNetwork } from '../network/linux/driver.ts';
import type { Network } from '../network/port.ts';
import { createProcessRuntime } from '../runtime/process/driver.ts';
import { ProcessHomeCaches } from '../runtime/process/home-caches.ts';
import type { Attacher, PortFinder, Runtime } from '../runtime/port.ts';
import { openVault } from '../secrets/vault.ts';
import { PushedRepositories } from '../source/repositories.ts';
import { Sources } from '../source/sources.ts';
import { acquireLock } from '../state/lock.ts';
import { openStore } from '../state/open.ts';
import type { Store } from '../state/store.ts';
import { certificateSources } from './certificates.ts';
import { closeInOrder, type ClosingStep } from './closing.ts';
import {
  apiToken,
  type DataFolder,
  dataFolder,
  leaveDataFolder,
  makeDataFolder,
  sweepDataFolder,
} from './data-folder.ts';
import { listenOn, runningEngine, startEdge, type StartedEdge } from './edge.ts';
import { machineOf } from './machine.ts';
import { openDaemonLog } from './log.ts';
import { lossEvents } from './log-losses.ts';

const systemRandom: Random = { bytes: (count) => randomBytes(count), fraction: () => Math.random() };

/** The account of the edge's workers; `@` keeps it apart from every service's. */
const edgeAccount = '@kapal/system/edge' as ServiceId;

const logQuota = 64 * 1024 * 1024;

type DaemonOptions = Omit<CliDaemonOptions, 'onReady'> & { readonly version: string };

/** A daemon that serves. `ended` resolves when `kapal down` was asked for and done. */
export interface Daemon {
  readonly facts: DaemonFacts;
  readonly ended: Promise<void>;
  /** Stops serving the API; instances and edge go on. */
  close(): Promise<void>;
}

/** Recovers what an earlier daemon left in the data folder and serves. Throws KapalError (`daemon_running`, `port_taken`, `state_newer`, ...). */
export async function startDaemon(options: DaemonOptions): Promise<Daemon> {
  const ground = await makeGround(options);
  const { folder, lock, log, store, runtime } = ground;
  const certificates = await certificateSources(options.acme, { data: folder.root, version: options.version });
  const serving = await startServing(options, ground);
  crashpoint('daemon.edge.serving');
  const needs = await dependencies(options, { ...ground, ...serving, certificates });
  const over = Promise.withResolvers<boolean>();
  const engine = new Engine(needs, (apps) => over.resolve(apps));
  const api = await createApi({
    commands: engine,
    pushes: engine.pushes,
    hooks: engine.hooks,
    token: await apiToken(folder),
    socketPath: folder.socket,
    ...ground.apiAddress,
    version: options.version,
    log,
  });
  await engine.begin();
  crashpoint('daemon.begun');
  const { url } = await api.listen();
  crashpoint('daemon.listening');
  const facts: DaemonFacts = {
    pid: process.pid,
    data: folder.root,
    socket: folder.socket,
    api: url.replace('http://', ''),
    ...serving.addresses,
    notes: serving.notes,
    version: options.version,
  };
  await writeDurably(folder.beacon, `${JSON.stringify({ ...facts, startedAt: new Date().toISOString() })}\n`, 0o644);
  log.info({ ...facts }, 'serving');
  return {
    facts,
    // The edge's user goes with the edge: nothing of ours is left on a machine where nothing of ours runs.
    ended: over.promise.then((apps) => (apps ? runtime.forget(edgeAccount) : undefined)),
    close() {
      const steps: readonly ClosingStep[] = [
        { name: 'api', close: () => api.close() },
        { name: 'engine', close: () => engine.close() },
        { name: 'record', close: () => store.close() },
        { name: 'beacon', close: () => rm(folder.beacon, { force: true }) },
        { name: 'data folder', close: () => leaveDataFolder(folder) },
        { name: 'lock', close: () => lock[Symbol.dispose]() },
      ];
      return closeInOrder(steps, { clock: systemClock, log });
    },
  };
}

type Ground = Awaited<ReturnType<typeof makeGround>>;

/** What every part stands on. What may be refused (another daemon, the API's port) is refused before anything is begun that would have to be undone. */
async function makeGround(options: DaemonOptions) {
  // Folders and files get the modes they are made with, whatever the shell of whoever started the daemon says.
  process.umask(0o022);
  const folder = dataFolder(options.data);
  await makeDataFolder(folder);
  const lock = acquireLock(folder.record);
  crashpoint('daemon.locked');
  await sweepDataFolder(folder);
  const log = openDaemonLog(folder.daemonLog);
  const at = listenOn(options.api);
  const apiAddress = { ...at, describeHolder: (port: number) => describeHolders(holdersOf(port, at.host)) };
  await tryAddress(apiAddress);
  const store = openStore(join(folder.record, 'record.db'));
  crashpoint('daemon.record.opened');
  const toolchain = await ensureToolchain({ folder: folder.toolchain, node: process.execPath });
  const runtime = await createProcessRuntime({
    folder: folder.runs,
    data: folder.root,
    install: installId(store),
    homes: folder.homes,
    toolchain: toolchain.bin,
    clock: systemClock,
  });
  const network = await createLinuxNetwork({
    install: installId(store),
    node: toolchain.node,
    said: (message) => {
      log.warn({ part: 'network' }, message);
      store.events.append({ time: systemClock.now(), kind: 'network.machine', service: null, project: null, message });
    },
  });
  return { folder, lock, log, apiAddress, store, toolchain, runtime, network };
}

type Serving = StartedEdge & { readonly artifacts: Artifacts };

/** The edge, serving its last table, with the artifacts that it may read. */
async function startServing(
  options: DaemonOptions,
  { folder, log, store, toolchain, runtime }: Ground,
): Promise<Serving> {
  const account = await accountOfEdge(runtime);
  const artifacts = new Artifacts(folder.releases, account?.gid ?? null);
  await openToEdge({ store, artifacts });
  const ground = { folder, log, store, node: toolchain.node, account };
  try {
    return { ...(await startEdge(options, ground)), artifacts };
  } catch (error) {
    // As after `down --apps`: a start that is refused at first leaves no user behind.
    const isNew = store.services.all().length === 0 && (await runningEngine(options, ground)) === null;
    if (isNew) await runtime.forget(edgeAccount);
    throw error;
  }
}

/** The user that the edge's workers run as; null where they run as the daemon's. */
async function accountOfEdge(runtime: Runtime): Promise<{ readonly uid: number; readonly gid: number } | null> {
  const account = runtime.capabilities().separateUsers ? await runtime.prepare(edgeAccount) : null;
  if (account === null || account.uid === null || account.gid === null) return null;
  return { uid: account.uid, gid: account.gid };
}

async function dependencies(
  options: DaemonOptions,
  parts: {
    folder: DataFolder;
    store: Store;
    runtime: Runtime & PortFinder & Attacher;
    log: Log;
    certificates: CertificateSources;
    toolchain: Awaited<ReturnType<typeof ensureToolchain>>;
    network: Network;
  } & Serving,
): Promise<Dependencies> {
  const { folder, store, runtime, network, edge, artifacts, log, toolchain, certificates } = parts;
  return {
    store,
    runtime,
    portFinder: runtime,
    network,
    attacher: runtime,
    edge,
    ...buildersOf(folder, toolchain),
    caches: new ProcessHomeCaches(folder.homes),
    ...codeOf(folder),
    artifacts,
    disks: new Disks(folder.disks),
    vault: await vaultOf(folder, store),
    logs: await openLogStore({
      path: join(folder.logs, 'logs.db'),
      quotaBytes: logQuota,
      warn: (text) => log.warn({ part: 'logs' }, text),
      dropped: lossEvents({ store, clock: systemClock }),
    }),
    prober: createProber({ version: options.version }),
    clock: systemClock,
    random: systemRandom,
    isPortFree,
    portHolder: (port) => describeHolders(holdersOf(port)),
    decisions,
    log,
    certificates,
    ...machineOf(folder),
    settings: settingsOf(options, parts),
  };
}

function buildersOf(
  { toolchain: folder }: DataFolder,
  toolchain: Awaited<ReturnType<typeof ensureToolchain>>,
): Pick<Dependencies, 'builder' | 'tools'> {
  const tools = new HostTools(folder, toolchain.version);
  const from = { folder, marks: tools, toolchain: () => Promise.resolve(toolchain), environment: process.env };
  return { tools, builder: createHostBuilder(from) };
}

function settingsOf(
  options: DaemonOptions,
  { folder, addresses: { http, https }, edgeWhy }: { readonly folder: DataFolder } & Serving,
): Dependencies['settings'] {
  return {
    version: options.version,
    data: folder.root,
    socket: folder.socket,
    api: `${options.api.host ?? '*'}:${options.api.port}`,
    http,
    httpPort: portOf(http),
    https,
    httpsPort: https === null ? null : portOf(https),
    domain: options.domain,
    timeZone: Intl.DateTimeFormat().resolvedOptions().timeZone,
    buildMemory: Math.floor((totalmem() * 3) / 4),
    startSlots: 2 * availableParallelism(),
    buildSlots: Math.max(1, Math.min(2, availableParallelism() - 1)),
    keepFree: options.keepFree,
    edgeWhy,
    runtimeWhy: options.runtime === 'process' ? 'asked for' : 'the only runtime of this version',
  };
}

/** Where code lies: trees, the cache of remotes, repositories that are pushed to. */
function codeOf(folder: DataFolder): Pick<Dependencies, 'sources' | 'repositories'> {
  return {
    sources: new Sources({ folder: folder.sources, gitFolder: folder.git, clock: systemClock }),
    repositories: new PushedRepositories({ folder: join(folder.git, 'pushed') }),
  };
}

function portOf(address: string): number {
  return Number(address.slice(address.lastIndexOf(':') + 1));
}

/** A lost key file would be replaced by a new one in silence, and every sealed value be unreadable: the record remembers which key it was. */
async function vaultOf(folder: DataFolder, store: Store): Promise<Dependencies['vault']> {
  const vault = await openVault(folder.keys);
  const known = store.facts.get('vault-key');
  if (known !== null && known !== vault.keyId) {
    throw new KapalError('state_damaged', `the key in ${folder.keys} is not the one that the record was sealed with`, {
      hint: 'Put the old key file back from a backup of the data folder.',
    });
  }
  if (known === null) store.facts.set('vault-key', vault.keyId);
  return vault;
}

/** Tells installs on one machine apart: in names of users and control groups. Eight characters of `[a-z0-9]`, made once. */
function installId(store: Store): string {
  const known = store.facts.get('install');
  if (known !== null) return known;
  const made = [...randomBytes(8)].map((byte) => '0123456789abcdefghijklmnopqrstuv'[byte & 31]).join('');
  store.facts.set('install', made);
  return made;
}
