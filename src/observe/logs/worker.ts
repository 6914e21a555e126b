import { readlinkSync, renameSync, rmSync } from 'node:fs';
import { setPriority } from 'node:os';
import { setImmediate as turnOver, setTimeout as pause } from 'node:timers/promises';
import { parentPort, workerData } from 'node:worker_threads';
import { errorDocument, KapalError } from '../../model/errors.ts';
import type { ServiceId } from '../../model/service.ts';
import { Collector } from './collector.ts';
import { LogDatabase } from './database.ts';
import type { FromWorker, Request, ToWorker, WorkerSettings } from './messages.ts';
import type { LogLine, LogLoss } from './port.ts';
import { LogSearch } from './search.ts';

/** Milliseconds between two looks at the files: while something comes, and when nothing came for a while. */
const lively = 100;
const quiet = 500;
const livelyFor = 5_000;

/** Followers hear of new lines at most this often. */
const noticeInterval = 20;

/** Milliseconds before the next try after the disk was full. */
const fullPause = 1_000;

/** Milliseconds that closing may take for reading what is there. */
const closingTime = 2_000;

/** nice(1): 5 is about a third of what a service gets where both want the same processor. */
const niceness = 5;

/** Result codes, https://www.sqlite.org/rescode.html. */
const sqlite = { ioError: 10, corrupt: 11, full: 13, notDatabase: 26 } as const;

/**
 * The log store's thread: it has the files and the database to itself, so that neither a flood nor a search takes a moment from the
 * daemon's event loop. It ends by an exception where it cannot go on; the store starts another.
 */
async function main(): Promise<void> {
  if (parentPort === null) throw new Error('this is a worker of the log store');
  const port = parentPort;
  giveWay();
  const send = (message: FromWorker): void => port.postMessage(message);
  const warning = (message: string): void => send({ kind: 'warning', message });
  // Sent by our own store.ts.
  const settings = workerData as WorkerSettings;
  const database = openOrSay(settings, { send, warning });
  if (database === null) return;
  const dropped = (loss: LogLoss): void => send({ kind: 'dropped', loss });
  const collector = new Collector(database, { stored: notices(send), dropped, warning });
  const desk = new Desk({ database, collector, send, setAside: () => setAside(settings, warning) });
  port.on('message', (message: ToWorker) => {
    if (message.kind === 'request') void desk.answer(message.id, message.request);
    else if (!desk.closed) guarded(() => collector.write(message.line), { settings, warning });
  });
  send({ kind: 'ready' });
  await collect(settings, { collector, desk, warning });
}

/** What floods the logs must not take the processor from the services: this thread alone, by its number, is made nice (sched(7)). */
function giveWay(): void {
  try {
    setPriority(Number(readlinkSync('/proc/thread-self').split('/').at(-1)), niceness);
  } catch {
    // Where /proc is not mounted or priorities are fixed it works all the same.
  }
}

async function collect(
  settings: WorkerSettings,
  { collector, desk, warning }: { collector: Collector; desk: Desk; warning: (message: string) => void },
): Promise<void> {
  let last = performance.now();
  let before: boolean | Refusal = false;
  while (!desk.closed) {
    const outcome: boolean | Refusal = guarded(() => collector.round(), { settings, warning });
    if (typeof outcome === 'string' && outcome !== before)
      warning(`the disk ${outcome}: logs wait to be stored in ${settings.path}`);
    before = outcome;
    if (typeof outcome === 'string') await pause(fullPause);
    else if (outcome) {
      last = performance.now();
      await turnOver();
    } else if (!collector.tidy()) await pause(performance.now() - last < livelyFor ? lively : quiet);
  }
}

/** Answers the store's requests. */
class Desk {
  closed = false;
  readonly #database: LogDatabase;
  readonly #collector: Collector;
  readonly #search: LogSearch;
  readonly #send: (message: FromWorker) => void;
  readonly #setAside: () => void;

  constructor(parts: {
    database: LogDatabase;
    collector: Collector;
    send: (message: FromWorker) => void;
    setAside: () => void;
  }) {
    this.#setAside = parts.setAside;
    this.#database = parts.database;
    this.#collector = parts.collector;
    this.#search = new LogSearch(parts.database);
    this.#send = parts.send;
  }

  async answer(id: number, request: Request): Promise<void> {
    try {
      const removed = request.kind === 'reclaim' ? await this.#collector.reclaim(request.bytes) : 0;
      this.#send({ kind: 'done', id, lines: await this.#do(request), removed });
    } catch (error) {
      this.#send({ kind: 'failed', id, error: errorDocument(readable(error)) });
      if (!isDamaged(error)) return;
      // Found by a question: without this every question of its kind would fail for ever. The thread ends, and begins anew.
      this.#setAside();
      throw error;
    }
  }

  async #do(request: Request): Promise<readonly LogLine[]> {
    if (this.closed) throw new KapalError('internal', 'the log store is closed');
    switch (request.kind) {
      case 'attach':
        this.#collector.attach(request.source);
        return [];
      case 'detach':
        await this.#collector.detach(request.run);
        return [];
      case 'flush':
        await this.#collector.flush(request.run);
        return [];
      case 'reclaim':
        return [];
      case 'query':
        return await this.#search.find(request.query);
      case 'forget':
        await this.#collector.forget(request.service);
        return [];
      case 'close':
        await this.#collector.finish(closingTime);
        this.closed = true;
        this.#database.close();
        return [];
    }
  }
}

/** A disk that is full or fails is waited out, for the lines stay in their files; a damaged database is put aside; anything else ends the thread. */
function guarded<T>(
  work: () => T,
  { settings, warning }: { settings: WorkerSettings; warning: (message: string) => void },
): T | Refusal {
  try {
    return work();
  } catch (error) {
    const refusal = refusalOf(error);
    if (refusal !== null) return refusal;
    if (isDamaged(error)) setAside(settings, warning);
    throw error;
  }
}

/** Without a database there is nothing to do: the store hears why, and the thread ends. */
function openOrSay(
  settings: WorkerSettings,
  { send, warning }: { send: (message: FromWorker) => void; warning: (message: string) => void },
): LogDatabase | null {
  try {
    return open(settings, warning);
  } catch (error) {
    send({ kind: 'unopened', error: errorDocument(readable(error)) });
    return null;
  }
}

function open(settings: WorkerSettings, warning: (message: string) => void): LogDatabase {
  try {
    return new LogDatabase(settings.path, settings.quotaBytes);
  } catch (error) {
    if (!isDamaged(error)) throw error;
    setAside(settings, warning);
    return new LogDatabase(settings.path, settings.quotaBytes);
  }
}

/** Logs are not worth a daemon that does not start: a damaged file is kept beside, once, and a new one begun. */
function setAside({ path }: WorkerSettings, warning: (message: string) => void): void {
  renameSync(path, `${path}.damaged`);
  for (const companion of ['-wal', '-shm']) rmSync(path + companion, { force: true });
  warning(`${path} was damaged: it is kept as ${path}.damaged, and new logs begin`);
}

/** Gathers the services that have new lines and names them once in a while. */
function notices(send: (message: FromWorker) => void): (services: readonly ServiceId[]) => void {
  const waiting = new Set<ServiceId>();
  return (services) => {
    if (waiting.size === 0) {
      setTimeout(() => {
        send({ kind: 'stored', services: [...waiting] });
        waiting.clear();
      }, noticeInterval);
    }
    for (const service of services) waiting.add(service);
  };
}

/** How the disk takes nothing, in words. */
type Refusal = 'is full' | 'reports errors';

function refusalOf(error: unknown): Refusal | null {
  const code = resultCode(error);
  return code === sqlite.full ? 'is full' : code === sqlite.ioError ? 'reports errors' : null;
}

function isDamaged(error: unknown): boolean {
  const code = resultCode(error);
  return code === sqlite.corrupt || code === sqlite.notDatabase;
}

/** The primary code: the extended one is in the higher bits. */
function resultCode(error: unknown): number | null {
  return error instanceof Error && 'errcode' in error && typeof error.errcode === 'number'
    ? error.errcode & 0xff
    : null;
}

function readable(error: unknown): unknown {
  const refusal = refusalOf(error);
  if (refusal === null) return error;
  const [code, hint] =
    refusal === 'is full'
      ? (['disk_full', 'Free space on that disk.'] as const)
      : (['disk_failed', "Look at the kernel's messages (dmesg) for that disk."] as const);
  return new KapalError(code, `The disk ${refusal}: logs could not be stored`, { hint, cause: error });
}

await main();
