import { once } from 'node:events';
import { closeSync, openSync } from 'node:fs';
import { mkdir, rm } from 'node:fs/promises';
import { Socket } from 'node:net';
import { fileURLToPath } from 'node:url';
import { crashpoint } from '../../lib/crashpoint.ts';
import { launch } from '../../lib/exec.ts';
import { errorCode, exists, writeDurably } from '../../lib/files.ts';
import { KapalError } from '../../model/errors.ts';
import type { RunHandle, RunSpec } from '../port.ts';
import type { Account } from './accounts.ts';
import { environmentScript, markOf } from './environment-script.ts';
import type { CgroupPlaces, Cgroups } from './hierarchy.ts';
import { readIntent, writeIntent } from './intent.ts';
import type { Layout, RunFiles } from './layout.ts';

const KEEPER = fileURLToPath(new URL('keeper.sh', import.meta.url));
const NO_PLACES: CgroupPlaces = { memory: '', cpu: '', pids: '', oom: '' };

/** Writes the intent of a run and starts its keeper. */
export class Launcher {
  readonly #layout: Layout;
  readonly #boot: string;
  readonly #install: string;
  readonly #cgroups: Cgroups | null;
  readonly #processLimit: number;
  readonly #starting = new Map<string, Promise<RunHandle>>();

  constructor(world: {
    layout: Layout;
    boot: string;
    install: string;
    cgroups: Cgroups | null;
    processLimit: number;
  }) {
    this.#layout = world.layout;
    this.#boot = world.boot;
    this.#install = world.install;
    this.#cgroups = world.cgroups;
    this.#processLimit = world.processLimit;
  }

  /** A run whose streams are named pipes that `open` makes in its folder, and holds open. Not repeatable. */
  async startAttached(
    run: RunSpec,
    { account, open }: { account: Account | null; open: (folder: string) => Promise<void> },
  ): Promise<RunHandle> {
    const files = this.#layout.files(run.id);
    const script = environmentScript(run.environment, { mark: markOf(this.#install, run.id), attached: true });
    try {
      const handle = await this.#intend(run, { files, account });
      await open(files.folder);
      await this.#startKeeper(run, { files, account, script, attached: true });
      return handle;
    } catch (error) {
      throw refusal(run, error);
    }
  }

  /** Repeatable by the run's id. `account` is `null` where the program runs as the daemon's own user. */
  start(run: RunSpec, account: Account | null): Promise<RunHandle> {
    const begun = this.#starting.get(run.id);
    if (begun !== undefined) return begun;
    const starting = this.#startOnce(run, account).finally(() => this.#starting.delete(run.id));
    this.#starting.set(run.id, starting);
    return starting;
  }

  async #startOnce(run: RunSpec, account: Account | null): Promise<RunHandle> {
    const files = this.#layout.files(run.id);
    const script = environmentScript(run.environment, { mark: markOf(this.#install, run.id) });
    if (await exists(files.claim)) {
      const known = await readIntent(files.intent);
      if (known !== null) return known.handle;
    }
    try {
      const handle = await this.#intend(run, { files, account });
      await this.#startKeeper(run, { files, account, script, attached: false });
      return handle;
    } catch (error) {
      throw refusal(run, error);
    }
  }

  async #startKeeper(
    run: RunSpec,
    { script, ...more }: { files: RunFiles; account: Account | null; script: string; attached: boolean },
  ): Promise<void> {
    const processLimit = run.processLimit ?? this.#processLimit;
    const limits = { memory: run.memoryLimit, processes: processLimit };
    const places = (await this.#cgroups?.create(run.id, limits)) ?? NO_PLACES;
    crashpoint('run.cgroup.made');
    await startKeeper(keeperArguments(run, { ...more, places, processLimit }), script);
    crashpoint('run.keeper.started');
  }

  async #intend(run: RunSpec, { files, account }: { files: RunFiles; account: Account | null }): Promise<RunHandle> {
    const driver = {
      boot: this.#boot,
      uid: account?.uid ?? null,
      network: run.network ?? null,
      ...(run.terminate === undefined ? {} : { terminate: run.terminate }),
    };
    const handle: RunHandle = { id: run.id, service: run.service, port: run.port, log: files.log, driver };
    await mkdir(files.folder, { recursive: true, mode: 0o700 });
    crashpoint('run.folder.made');
    try {
      // The log is there from the first moment, for a collector that is faster than the keeper.
      closeSync(openSync(files.log, 'a', 0o600));
      await writeDurably(files.intent, writeIntent(handle, run));
    } catch (error) {
      // Without an intent it is in no inventory: nobody else would remove it before the next start of the daemon.
      if (!(await exists(files.claim))) await rm(files.folder, { recursive: true, force: true });
      throw error;
    }
    crashpoint('run.intended');
    return handle;
  }
}

function keeperArguments(
  run: RunSpec,
  {
    files,
    account,
    places,
    processLimit,
    attached,
  }: { files: RunFiles; account: Account | null; places: CgroupPlaces; processLimit: number; attached: boolean },
): string[] {
  const user = account === null ? ['', ''] : [String(account.uid), String(account.gid)];
  const niceness = String(Math.trunc(run.niceness));
  const groups = [places.memory, places.cpu, places.pids, places.oom];
  // Where no cgroup holds the number down, its user may have so many; a user that others share is left as it is.
  const limit = account !== null && places.pids === '' ? String(processLimit) : '';
  const mount = run.mount === undefined ? ['', ''] : [run.mount.folder, run.mount.path];
  const streams = attached ? ['attached'] : [];
  return [
    KEEPER,
    files.folder,
    files.record,
    ...user,
    niceness,
    ...groups,
    limit,
    ...mount,
    run.network ?? '',
    run.directory,
    run.command,
    ...streams,
  ];
}

/**
 * Resolves when the keeper runs and has the environment within reach. It travels through a socket: nothing of it is ever on disk or in
 * an argv, and what the last stage has read exists nowhere else. The keeper gets no variables but PATH.
 */
async function startKeeper(args: readonly string[], script: string): Promise<void> {
  const env = { PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin' };
  const keeper = launch('/bin/sh', args, { cwd: '/', env, stdio: ['ignore', 'ignore', 'ignore', 'pipe'] });
  keeper.unref();
  await once(keeper, 'spawn');
  const channel = keeper.stdio[3];
  if (!(channel instanceof Socket)) throw new Error('descriptor 3 of the keeper is not a socket');
  await delivered(channel, script);
}

/** A keeper that lost the claim ends without reading (EPIPE, ECONNRESET): the other one has its own environment. */
async function delivered(channel: Socket, script: string): Promise<void> {
  await new Promise<void>((resolve) => {
    channel.once('error', () => resolve());
    channel.once('close', () => resolve());
    channel.end(script, resolve);
  });
  channel.destroy();
}

function refusal(run: RunSpec, error: unknown): unknown {
  if (error instanceof KapalError) return error;
  const code = errorCode(error);
  if (code === 'ENOSPC' || code === 'EDQUOT') {
    return new KapalError('disk_full', `The disk is full: ${run.service} cannot be started`, { cause: error });
  }
  const words = error instanceof Error ? error.message : String(error);
  return new KapalError('runtime_failed', `The system refused to start ${run.service}: ${words}`, { cause: error });
}
