import { Worker } from 'node:worker_threads';
import { type ErrorDocument, KapalError } from '../../model/errors.ts';
import type { ServiceId } from '../../model/service.ts';
import type { FromWorker, Request, ToWorker, WorkerSettings } from './messages.ts';
import type { LogLine, LogLoss, LogSource, LogStore } from './port.ts';

export interface LogStoreOptions {
  /** The database's file; made where it is missing. Its folder must exist. */
  readonly path: string;
  /** For each service: text and a constant for each line. 64 MiB unless told. */
  readonly quotaBytes?: number;
  /** For the daemon's own log: what the store cannot do on this machine, what went wrong and was mended. */
  readonly warn?: (message: string) => void;
  /** Told of each loss; many of them while something floods. */
  readonly dropped?: (loss: LogLoss) => void;
}

const defaultQuota = 64 << 20;

/** Milliseconds before a worker that died is replaced. */
const restartDelay = 1_000;

/** The thread holds one batch at a time, and what a query answers; a small young generation keeps its resident memory low. */
const limits = { maxOldGenerationSizeMb: 192, maxYoungGenerationSizeMb: 4, stackSizeMb: 2 };

/** Opens the store of what programs print. Throws KapalError `state_newer` where a newer Kapal wrote the file. */
export async function openLogStore(options: LogStoreOptions): Promise<LogStore> {
  const settings = { path: options.path, quotaBytes: options.quotaBytes ?? defaultQuota };
  const store = new WorkerStore(settings, { warn: options.warn ?? ignore, dropped: options.dropped ?? ignore });
  await store.opened;
  return store;
}

type Answer = Extract<FromWorker, { kind: 'done' }>;

function ignore(): void {
  // Nobody wants to know.
}

interface Listeners {
  readonly warn: (message: string) => void;
  readonly dropped: (loss: LogLoss) => void;
}

interface Waiting {
  readonly resolve: (answer: Answer) => void;
  readonly reject: (error: Error) => void;
}

interface Watcher {
  readonly service: ServiceId | null;
  readonly more: () => void;
}

/**
 * The main thread's side. States of the worker:
 *
 *   opening --ready--> running --its death--> away --a second later--> running      (what is attached is attached again)
 *   opening --unopened, or its death--> gone                                         (opening rejects)
 *   running | away --close--> gone
 */
class WorkerStore implements LogStore {
  readonly opened: Promise<void>;
  readonly #settings: WorkerSettings;
  readonly #listeners: Listeners;
  readonly #waiting = new Map<number, Waiting>();
  readonly #watchers = new Set<Watcher>();
  /** What is attached, for the next worker should this one die. */
  readonly #sources = new Map<string, LogSource>();
  /** What is said while the worker is away. */
  #held: ToWorker[] = [];
  #worker: Worker | null = null;
  #lastId = 0;
  #closing: Promise<void> | null = null;

  constructor(settings: WorkerSettings, listeners: Listeners) {
    this.#settings = settings;
    this.#listeners = listeners;
    this.opened = this.#open();
  }

  async attach(source: LogSource): Promise<void> {
    this.#sources.set(source.run, source);
    await this.#ask({ kind: 'attach', source });
  }

  async detach(run: string): Promise<void> {
    await this.#ask({ kind: 'detach', run });
    this.#sources.delete(run);
  }

  async flush(run: string): Promise<void> {
    await this.#ask({ kind: 'flush', run });
  }

  write(line: Parameters<LogStore['write']>[0]): void {
    const { service, kind, run, instance, release, text } = line;
    this.#post({ kind: 'write', line: { service, kind, run, instance, release, text } });
  }

  async query(query: Parameters<LogStore['query']>[0]): Promise<readonly LogLine[]> {
    return (await this.#ask({ kind: 'query', query })).lines;
  }

  watch(service: ServiceId | null, more: () => void): Disposable {
    const watcher = { service, more };
    this.#watchers.add(watcher);
    return { [Symbol.dispose]: () => void this.#watchers.delete(watcher) };
  }

  async reclaim(bytes: number): Promise<number> {
    return (await this.#ask({ kind: 'reclaim', bytes })).removed;
  }

  async forget(service: ServiceId): Promise<void> {
    await this.#ask({ kind: 'forget', service });
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    const worker = this.#worker;
    const closed = this.#ask({ kind: 'close' });
    if (worker === null) this.#failAll('the log store was closed while its worker was away');
    // One that cannot close has nothing left to lose: what it did not store is read by the next daemon.
    await closed.catch((error: unknown) => this.#listeners.warn(`the log store did not close well: ${String(error)}`));
    await worker?.terminate();
  }

  #ask(request: Request): Promise<Answer> {
    if (this.#closing !== null) return Promise.reject(new KapalError('internal', 'the log store is closed'));
    const id = ++this.#lastId;
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, { resolve, reject });
      this.#post({ kind: 'request', id, request });
    });
  }

  #post(message: ToWorker): void {
    if (this.#worker === null) this.#held.push(message);
    else this.#worker.postMessage(message);
  }

  #open(): Promise<void> {
    return new Promise((resolve, reject) => {
      const worker = startWorker(this.#settings);
      let failure: Error | null = null;
      worker.on('message', (message: FromWorker) => {
        if (message.kind === 'unopened') failure = restored(message.error);
        else if (message.kind === 'ready') {
          this.#worker = worker;
          resolve();
        } else this.#take(message);
      });
      worker.on('error', (error: unknown) => (failure = error instanceof Error ? error : new Error(String(error))));
      worker.on('exit', () => {
        failure ??= new KapalError('internal', "the log store's worker ended");
        reject(failure);
        if (this.#worker === worker) this.#lose(failure);
      });
    });
  }

  /** Questions under way fail; what is said from now on is held for the next worker. */
  #lose(failure: Error): void {
    this.#worker = null;
    this.#failAll(failure.message);
    if (this.#closing !== null) return;
    this.#listeners.warn(`the log store's worker ended and is started again: ${failure.message}`);
    setTimeout(() => void this.#reopen(), restartDelay);
  }

  /** The next worker goes on where the last transaction of the one before ended. */
  async #reopen(): Promise<void> {
    if (this.#closing !== null) return;
    try {
      await this.#open();
    } catch (error) {
      this.#lose(error instanceof Error ? error : new Error(String(error)));
      return;
    }
    const held = this.#held;
    this.#held = [];
    for (const source of this.#sources.values()) void this.#ask({ kind: 'attach', source }).catch(() => undefined);
    for (const message of held) this.#post(message);
  }

  #take(message: Exclude<FromWorker, { kind: 'ready' | 'unopened' }>): void {
    switch (message.kind) {
      case 'done':
        this.#settle(message.id)?.resolve(message);
        break;
      case 'failed':
        this.#settle(message.id)?.reject(restored(message.error));
        break;
      case 'stored':
        for (const { service, more } of this.#watchers)
          if (service === null || message.services.includes(service)) more();
        break;
      case 'dropped':
        this.#listeners.dropped(message.loss);
        break;
      case 'warning':
        this.#listeners.warn(message.message);
    }
  }

  #settle(id: number): Waiting | undefined {
    const waiting = this.#waiting.get(id);
    this.#waiting.delete(id);
    return waiting;
  }

  #failAll(message: string): void {
    for (const { reject } of this.#waiting.values()) reject(new KapalError('internal', message));
    this.#waiting.clear();
    this.#held = this.#held.filter((one) => one.kind === 'write');
  }
}

function startWorker(settings: WorkerSettings): Worker {
  const extension = import.meta.url.endsWith('.ts') ? 'ts' : 'js';
  // Not the daemon's own options: some (`--input-type`, `--inspect`) make no sense to a thread, or stop it.
  const execArgv = ['--disable-warning=ExperimentalWarning'];
  const options = { name: 'logs', workerData: settings, resourceLimits: limits, execArgv };
  return new Worker(new URL(`./worker.${extension}`, import.meta.url), options);
}

/** An error is cloned without its class: it travels as a document. */
function restored({ code, message, hint, log }: ErrorDocument): KapalError {
  return new KapalError(code, message, { hint: hint ?? undefined, log });
}
