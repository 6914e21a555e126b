/**
 * One worker of the embedded edge: serves the listening socket that it inherits as descriptor 3.
 *
 *   worker.ts FOLDER GENERATION SLOT    worker.ts --rehearse (loads the code and ends)
 *
 *   starting --table read, control socket open, table read again--> serving --drain, SIGTERM--> draining --nothing under way, grace over--> ended
 *
 * The second reading closes the race with a daemon that writes a table while this starts: what is written before the control socket
 * listens is read here, what is written after it is pushed.
 */
import { ftruncateSync, fstatSync } from 'node:fs';
import { createServer, type Server } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';
import type { RouteTable } from '../port.ts';
import { AccessLog } from './access-log.ts';
import type { WorkerQuestion, WorkerStatus } from './control.ts';
import { listenForControl } from './control-server.ts';
import { edgeFolder, type EdgeFolder, socketName } from './folder.ts';
import { errorPage } from './pages.ts';
import { createPlane } from './plane/plane.ts';
import type { Plane } from './plane/types.ts';
import { answerStatic } from './static.ts';
import { StreamRelay } from './stream.ts';
import { emptyTable, readTable } from './table-file.ts';

const LISTENING_DESCRIPTOR = 3;
const SIGNAL_GRACE = 10_000;
const PRINTED_LIMIT = 4 << 20;

class Worker {
  readonly #folder: EdgeFolder;
  readonly #generation: number;
  readonly #slot: number;
  readonly #plane: Plane;
  readonly #streams = new StreamRelay();
  readonly #log: AccessLog;
  readonly #server: Server = createServer({ noDelay: true });
  #version = -1;
  #state: WorkerStatus['state'] = 'starting';

  constructor(folder: EdgeFolder, generation: number, slot: number) {
    this.#folder = folder;
    this.#generation = generation;
    this.#slot = slot;
    this.#log = new AccessLog({ path: `${folder.log}/access-${slot}.log`, report });
    this.#plane = createPlane({
      answerStatic,
      errorPage,
      log: (entry) => this.#log.write(entry),
      now: () => Date.now(),
      fault: (error) =>
        report(
          `a fault in the plane cost a connection: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`,
        ),
    });
  }

  async start(): Promise<void> {
    this.#apply(this.#tableOnDisk());
    // A relative path, for one in a deep data folder would not fit into a socket's address.
    process.chdir(this.#folder.control);
    await listenForControl({
      path: socketName(this.#generation, this.#slot),
      answer: (question) => this.#answer(question),
      report,
    });
    this.#apply(this.#tableOnDisk());
    this.#plane.serve(this.#server);
    await this.#listen();
    if (this.#state === 'starting') this.#state = 'serving';
  }

  /** Stops accepting before it resolves; the process ends later, at most after `grace` milliseconds. */
  async drain(grace: number): Promise<void> {
    if (this.#state === 'draining') return;
    this.#state = 'draining';
    await new Promise<void>((resolve) => {
      // `close` calls back when the last connection has ended; the descriptor itself is closed at once.
      this.#server.close();
      setImmediate(resolve);
    });
    void this.#finish(grace);
  }

  async #finish(grace: number): Promise<void> {
    const done = Promise.all([this.#plane.drain(), this.#streams.drain()]);
    await Promise.race([done, pause(grace)]);
    this.#plane.close();
    this.#streams.close();
    await this.#log[Symbol.asyncDispose]();
    process.exit(0);
  }

  async #answer(question: WorkerQuestion): Promise<WorkerStatus> {
    switch (question.ask) {
      case 'apply':
        this.#apply(question.table);
        break;
      case 'drain':
        await this.drain(question.grace);
        break;
      case 'status':
    }
    return this.#status();
  }

  /** An older table never replaces a newer one; the same again is harmless. */
  #apply(table: RouteTable): void {
    if (table.version < this.#version) return;
    this.#plane.apply(table);
    this.#streams.apply(table);
    this.#version = table.version;
  }

  #status(): WorkerStatus {
    return {
      pid: process.pid,
      version: this.#version,
      state: this.#state,
      residentBytes: process.memoryUsage.rss(),
      connections: this.#plane.connections(),
      inFlight: this.#inFlight(),
      counters: this.#plane.counters(),
      droppedLogLines: this.#log.dropped,
      problems: this.#streams.problems(),
    };
  }

  /** An endpoint may serve both: its public route and its private port. */
  #inFlight(): Record<string, number> {
    const total = this.#plane.inFlight();
    for (const [endpoint, count] of this.#streams.inFlight()) total.set(endpoint, (total.get(endpoint) ?? 0) + count);
    return Object.fromEntries(total);
  }

  /** A damaged table leaves an edge that answers 404 until the daemon applies one: better than none that answers. */
  #tableOnDisk(): RouteTable {
    try {
      return readTable(this.#folder.table);
    } catch (error) {
      report(`table: ${String(error)}`);
      return emptyTable;
    }
  }

  #listen(): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#server.once('error', reject);
      this.#server.listen({ fd: LISTENING_DESCRIPTOR, backlog: 4096 }, () => {
        this.#server.off('error', reject);
        // accept(2) fails when descriptors run out; the connections wait in the backlog.
        this.#server.on('error', (error) => report(`listening socket: ${error.message}`));
        resolve();
      });
    });
  }
}

/** The workers share one file for what they print; it begins anew when it is full, so nothing that repeats can fill the disk. */
function report(text: string): void {
  const file = fstatSync(2);
  if (file.isFile() && file.size > PRINTED_LIMIT) ftruncateSync(2, 0);
  console.error(`${new Date().toISOString()} worker ${process.pid}: ${text}`);
}

async function main(args: readonly string[]): Promise<void> {
  if (args[0] === '--rehearse') return;
  const [folder = '', generation, slot] = args;
  const worker = new Worker(edgeFolder(folder), Number(generation), Number(slot));
  process.on('SIGTERM', () => void worker.drain(SIGNAL_GRACE));
  process.on('SIGHUP', () => undefined);
  await worker.start();
}

main(process.argv.slice(2)).catch((error: unknown) => {
  report(error instanceof Error ? (error.stack ?? error.message) : String(error));
  process.exit(1);
});
