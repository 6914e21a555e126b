import { watch } from 'node:fs';
import { chmod, mkdir, rename, rm } from 'node:fs/promises';
import { userInfo } from 'node:os';
import { join } from 'node:path';
import type { Clock } from '../../lib/clock.ts';
import { crashpoint } from '../../lib/crashpoint.ts';
import { errorCode, isMissing } from '../../lib/files.ts';
import { KapalError } from '../../model/errors.ts';
import type { ServiceId } from '../../model/service.ts';
import type {
  Attacher,
  Listener,
  PortFinder,
  RunHandle,
  RunObservation,
  RunSpec,
  RunStreams,
  Runtime,
  RuntimeCapabilities,
  RunUsage,
  ServiceAccount,
  TerminalSize,
} from '../port.ts';
import { type Abilities, findAbilities } from './abilities.ts';
import { type Account, Accounts } from './accounts.ts';
import { openStreams } from './attached-streams.ts';
import { inTerminal, resizeTerminal } from './terminal.ts';
import { Homes } from './homes.ts';
import { readIntent } from './intent.ts';
import { Launcher } from './launcher.ts';
import { Layout, runOfRecord } from './layout.ts';
import { ListenTable } from './listen-table.ts';
import { endOf } from './members.ts';
import { MemoryWatch } from './memory-watch.ts';
import { Observer } from './observer.ts';
import { checkMountPoint, ensureMountPoint } from './mount-point.ts';
import { bootId } from './proc.ts';
import { Stopper } from './stopper.ts';
import { usageOf } from './usage.ts';

export interface ProcessRuntimeOptions {
  /** Private to the driver: records and logs of runs. Absolute. */
  readonly folder: string;
  /** The data folder, which the services' users have to pass. Absolute. */
  readonly data: string;
  /** Eight characters `[a-z0-9]` that tell installs on one machine apart: in names of users and cgroups. */
  readonly install: string;
  /** Where the services' homes are. Absolute. */
  readonly homes: string;
  /** The folder that comes first on every PATH: the service's Node. */
  readonly toolchain: string;
  readonly clock: Clock;
  readonly useCgroups?: 'auto' | 'off';
  /** Processes and threads that a run may have, where the kernel can be told. */
  readonly processLimit?: number;
}

/** More than any app needs, less than a machine bears: systemd gives a unit about as many. */
const usualProcessLimit = 4_096;

/** Runs programs as plain processes of this machine; needs nothing but the kernel and a POSIX shell. */
export async function createProcessRuntime(options: ProcessRuntimeOptions): Promise<Runtime & PortFinder & Attacher> {
  if (!/^[a-z0-9]{8}$/.test(options.install)) {
    throw new KapalError(
      'runtime_failed',
      `${JSON.stringify(options.install)} is not an install id (8 characters a-z, 0-9)`,
    );
  }
  const layout = new Layout(options.folder);
  await mkdir(options.folder, { recursive: true, mode: 0o700 });
  await chmod(options.folder, 0o700);
  await mkdir(layout.runs, { recursive: true, mode: 0o700 });
  await mkdir(layout.records, { recursive: true, mode: 0o700 });
  await sweep(layout);
  const { data, install, useCgroups = 'auto' } = options;
  return new ProcessRuntime({ options, layout, abilities: await findAbilities({ data, install, useCgroups }) });
}

class ProcessRuntime implements Runtime, PortFinder, Attacher {
  readonly name = 'process';
  readonly #layout: Layout;
  readonly #abilities: Abilities;
  readonly #toolchain: string;
  readonly #data: string;
  readonly #accounts: Accounts;
  readonly #homes: Homes;
  readonly #observer: Observer;
  readonly #launcher: Launcher;
  readonly #stopper: Stopper;
  /** Where the kernel keeps no memory limits. */
  readonly #memory: MemoryWatch | null;
  readonly #prepared = new Map<ServiceId, Promise<Account | null>>();

  constructor({
    options,
    layout,
    abilities,
  }: { options: ProcessRuntimeOptions; layout: Layout; abilities: Abilities }) {
    const { clock, install, homes, toolchain } = options;
    const { cgroups } = abilities;
    const boot = bootId();
    this.#layout = layout;
    this.#abilities = abilities;
    this.#toolchain = toolchain;
    this.#accounts = new Accounts(install);
    this.#homes = new Homes(homes);
    this.#observer = new Observer({ layout, boot, install, clock, cgroups, table: new ListenTable(clock) });
    const { processLimit = usualProcessLimit } = options;
    this.#data = options.data;
    this.#launcher = new Launcher({ layout, boot, install, cgroups, processLimit });
    this.#stopper = new Stopper(this.#observer, cgroups);
    this.#memory =
      cgroups === null ? new MemoryWatch({ layout, clock, observer: this.#observer, stopper: this.#stopper }) : null;
  }

  capabilities(): RuntimeCapabilities {
    return this.#abilities.capabilities;
  }

  async prepare(service: ServiceId): Promise<ServiceAccount> {
    const account = await this.#accountOf(service);
    const home = this.#homes.pathOf(service);
    const user = account?.name ?? userInfo().username;
    const environment = {
      PATH: `${this.#toolchain}:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin`,
      HOME: home,
      USER: user,
      LOGNAME: user,
      TMPDIR: join(home, 'tmp'),
      LANG: 'C.UTF-8',
    };
    return { user: account?.name ?? null, uid: account?.uid ?? null, gid: account?.gid ?? null, home, environment };
  }

  async admitMount(path: string): Promise<void> {
    if (this.#abilities.capabilities.mounts) return checkMountPoint(path, this.#data);
    const { why, more } = noMounts();
    throw new KapalError('mount_refused', `the disk cannot be mounted at ${path}: ${why}`, {
      hint: `Take a folder of the service instead (disk.mountPath: data), or let the app use the path in KAPAL_DISK${more}.`,
    });
  }

  async start(run: RunSpec): Promise<RunHandle> {
    if (run.mount !== undefined) await ensureMountPoint(run.mount.path, this.#data);
    const handle = await this.#launcher.start(run, await this.#accountOf(run.service));
    if (run.memoryLimit !== null) this.#memory?.add(handle, run.memoryLimit);
    return handle;
  }

  async startAttached(
    run: RunSpec,
    terminal: TerminalSize | null,
  ): Promise<{ handle: RunHandle; streams: RunStreams }> {
    const account = await this.#accountOf(run.service);
    const { folder } = this.#layout.files(run.id);
    const streams = openStreams(folder);
    const shown = terminal === null ? run : inTerminal(run, terminal);
    try {
      const handle = await this.#launcher.startAttached(shown, { account, open: () => streams.open() });
      if (run.memoryLimit !== null) this.#memory?.add(handle, run.memoryLimit);
      await streams.joined(() => this.#observer.observe(handle).phase !== 'launching');
      return { handle, streams };
    } catch (error) {
      streams[Symbol.dispose]();
      throw error;
    }
  }

  async resize(handle: RunHandle, size: TerminalSize): Promise<void> {
    const run = this.#observer.processesOf(handle);
    if (run !== null) await resizeTerminal(run, this.#abilities.cgroups, size);
  }

  async observe(handle: RunHandle): Promise<RunObservation> {
    return this.#observer.observe(handle);
  }

  async usage(handle: RunHandle): Promise<RunUsage | null> {
    return usageOf(this.#observer.processesOf(handle), this.#abilities.cgroups);
  }

  async signal(handle: RunHandle, signal: 'terminate' | 'kill'): Promise<void> {
    if (signal === 'terminate') await this.#stopper.terminate(handle);
    else await this.#stopper.kill(handle);
  }

  async dispose(handle: RunHandle): Promise<void> {
    const files = this.#layout.files(handle.id);
    if (!(await this.#stopper.kill(handle))) {
      throw new KapalError(
        'runtime_failed',
        `Processes of run ${handle.id} of ${handle.service} do not end after SIGKILL`,
        {
          hint: 'They wait inside the kernel, most often for a disk or a network file system that does not answer.',
        },
      );
    }
    await this.#stopper.endKeeper(handle);
    crashpoint('run.killed');
    await this.#abilities.cgroups?.remove(handle.id);
    crashpoint('run.cgroup.removed');
    // The folder goes last: what is left of a removal that was cut short is still found by inventory or swept at the next start.
    for (const record of ['process', 'exit', 'drained']) await rm(`${files.record}.${record}`, { force: true });
    await rename(files.folder, files.gone).catch(ignoreMissing);
    crashpoint('run.folder.renamed');
    await rm(files.gone, { recursive: true, force: true });
    this.#observer.forget(handle.id);
  }

  async inventory(): Promise<readonly RunHandle[]> {
    const ids = await this.#layout.ids();
    const intents = await Promise.all(ids.map((id) => readIntent(this.#layout.files(id).intent)));
    const known = intents.filter((intent) => intent !== null);
    // A daemon that adopts runs keeps their limits too.
    for (const { handle, memoryLimit } of known) if (memoryLimit !== null) this.#memory?.add(handle, memoryLimit);
    return known.map((intent) => intent.handle);
  }

  watch(changed: (run: string) => void): Disposable {
    try {
      const watcher = watch(this.#layout.records, { persistent: false }, (_, name) => {
        const run = name === null ? null : runOfRecord(name);
        if (run !== null) changed(run);
      });
      // A hint only: the watch may be lost (the folder was moved), callers look by themselves too.
      watcher.on('error', () => watcher.close());
      return { [Symbol.dispose]: () => watcher.close() };
    } catch (error) {
      // inotify(7): the user's number of instances or watches is used up.
      if (errorCode(error) === 'EMFILE' || errorCode(error) === 'ENOSPC') return { [Symbol.dispose]: () => undefined };
      throw error;
    }
  }

  async forget(service: ServiceId): Promise<void> {
    const runs = (await this.inventory()).filter((handle) => handle.service === service);
    if (runs.length > 0) throw new KapalError('conflict', `${service} still has ${runs.length} runs`);
    this.#prepared.delete(service);
    if (this.#abilities.separateUsers) {
      const account = await this.#accounts.find(service);
      if (account !== null) await endOf(account.uid);
      await this.#accounts.remove(service);
    }
    await this.#homes.remove(service);
    if ((await this.#layout.ids()).length === 0) await this.#abilities.cgroups?.tidy();
  }

  async listeners(handle: RunHandle): Promise<readonly Listener[]> {
    return this.#observer.listeners(handle);
  }

  /** The service's user, with its home in order; once per service and daemon, again after a failure. */
  #accountOf(service: ServiceId): Promise<Account | null> {
    const prepared = this.#prepared.get(service) ?? this.#makeAccount(service);
    this.#prepared.set(service, prepared);
    prepared.catch(() => this.#prepared.delete(service));
    return prepared;
  }

  async #makeAccount(service: ServiceId): Promise<Account | null> {
    const home = this.#homes.pathOf(service);
    const account = this.#abilities.separateUsers ? await this.#accounts.ensure(service, home) : null;
    crashpoint('user.made');
    await this.#homes.ensure(service, account);
    crashpoint('home.made');
    return account;
  }
}

/**
 * A user namespace gives no way round root: the folder to mount at has to be there, which only root can make; several distributions forbid them; and in one
 * neither set-user-ID programs nor further groups work, which the same app has elsewhere (user_namespaces(7)).
 */
function noMounts(): { readonly why: string; readonly more: string } {
  if (process.getuid?.() !== 0)
    return {
      why: 'only a daemon that runs as root can give a service a path outside of its own folder',
      more: '; or run this Kapal as root (sudo kapal service install)',
    };
  return {
    why: 'this machine does not let the daemon make mount namespaces (unshare and mount of util-linux, CAP_SYS_ADMIN)',
    more: '',
  };
}

function ignoreMissing(error: unknown): void {
  if (!isMissing(error)) throw error;
}

/** Removes folders without a whole intent: their making or their removal was cut short, and no process can belong to them. */
async function sweep(layout: Layout): Promise<void> {
  for (const remnant of await layout.remnants()) await rm(remnant, { recursive: true, force: true });
  for (const id of await layout.ids()) {
    const files = layout.files(id);
    if ((await readIntent(files.intent)) === null) await rm(files.folder, { recursive: true, force: true });
  }
}
