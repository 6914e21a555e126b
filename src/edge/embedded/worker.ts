/**
 * One worker of the embedded edge: serves the listening sockets that it inherits as descriptors 3 (--http) and 4 (--https).
 *
 *   worker.ts [--http] [--https] FOLDER GENERATION SLOT    worker.ts [--http] [--https] --rehearse (loads the code and ends)
 *
 *   starting --table read, control socket open, table read again--> serving --drain, SIGTERM--> draining --nothing under way, grace over--> ended
 *
 * The second reading closes the race with a daemon that writes a table while this starts: what is written before the control socket
 * listens is read here, what is written after it is pushed. The same holds for the certificates.
 */
import { fstatSync, ftruncateSync, writeSync } from 'node:fs';
import { createServer, type Server } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';
import type { RouteTable } from '../port.ts';
import { AccessLog } from './access-log.ts';
import type { WorkerQuestion, WorkerStatus } from './control.ts';
import { listenForControl } from './control-server.ts';
import { edgeFolder, type EdgeFolder, socketName } from './folder.ts';
import { errorPage } from './pages.ts';
import { createPlane, type OpenPlane } from './plane/plane.ts';
import { Neighbours } from './policy/neighbours.ts';
import { answerStatic, hasFile } from './static.ts';
import { SharedPlaces } from './shared-places.ts';
import { StreamRelay } from './stream.ts';
import { emptyTable, readTable } from './table-file.ts';
import type * as Front from './tls/front.ts';
import type { TlsFront } from './tls/front.ts';

const DESCRIPTORS = { http: 3, https: 4 } as const;
const SIGNAL_GRACE = 10_000;
const PRINTED_LIMIT = 4 << 20;

class Worker {
  readonly #folder: EdgeFolder;
  readonly #generation: number;
  readonly #slot: number;
  readonly #plane: OpenPlane;
  readonly #streams = new StreamRelay();
  readonly #log: AccessLog;
  readonly #front: TlsFront | null;
  readonly #servers: { readonly server: Server; readonly descriptor: number }[] = [];
  readonly #neighbours: Neighbours;
  readonly #places: SharedPlaces;
  #version = -1;
  #state: WorkerStatus['state'] = 'starting';
  #control: Disposable | null = null;

  constructor({ folder, generation, slot, http, secure }: WorkerOptions) {
    this.#folder = folder;
    this.#generation = generation;
    this.#slot = slot;
    this.#front = secure === null ? null : new secure.TlsFront({ folder: folder.certificates, now: Date.now, report });
    this.#log = new AccessLog({ path: `${folder.log}/access-${slot}.log`, report });
    this.#places = new SharedPlaces({ folder: '.', name: socketName(generation, slot), report });
    this.#plane = createPlane({
      places: this.#places,
      answerStatic,
      hasFile,
      errorPage,
      httpsPort: () => this.#httpsPort(),
      log: (entry) => this.#log.write(entry),
      now: () => Date.now(),
      fault: (error) =>
        report(
          `a fault in the plane cost a connection: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`,
        ),
    });
    this.#neighbours = new Neighbours(socketName(generation, slot), () => this.#plane.quotaReport(process.pid));
    if (http) this.#plane.serve(this.#open(DESCRIPTORS.http));
    const front = this.#front;
    if (front === null) return;
    const server = this.#open(DESCRIPTORS.https);
    server.on('connection', (socket) => this.#plane.take(socket, (ground) => front.accept(ground, socket)));
  }

  async start(): Promise<void> {
    this.#apply(this.#tableOnDisk());
    this.#front?.reload();
    // A relative path, for one in a deep data folder would not fit into a socket's address.
    process.chdir(this.#folder.control);
    this.#control = await listenForControl({
      path: socketName(this.#generation, this.#slot),
      answer: (question) => this.#answer(question),
      report,
    });
    this.#places.open();
    this.#apply(this.#tableOnDisk());
    this.#front?.reload();
    for (const { server, descriptor } of this.#servers) await listen(server, descriptor);
    if (this.#state === 'starting') this.#state = 'serving';
  }

  /** Stops accepting before it resolves; the process ends later, at most after `grace` milliseconds. */
  async drain(grace: number): Promise<void> {
    if (this.#state === 'draining') return;
    this.#state = 'draining';
    await new Promise<void>((resolve) => {
      // `close` calls back when the last connection has ended; the descriptor itself is closed at once.
      for (const { server } of this.#servers) server.close();
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
    // The slot that would remove the socket of a worker that ended was killed when the generation was retired.
    this.#control?.[Symbol.dispose]();
    process.exit(0);
  }

  async #answer(question: WorkerQuestion): Promise<WorkerStatus | null> {
    switch (question.ask) {
      case 'apply':
        this.#apply(question.table);
        break;
      case 'certificates':
        this.#front?.reload();
        break;
      case 'drain':
        await this.drain(question.grace);
        break;
      case 'quotas':
        this.#plane.learnQuotas(question.report);
        return null;
      case 'status':
    }
    return this.#status();
  }

  /** An older table never replaces a newer one; the same again is harmless. */
  #apply(table: RouteTable): void {
    if (table.version < this.#version) return;
    this.#plane.apply(table);
    this.#streams.apply(table);
    this.#neighbours.run(this.#plane.limited);
    this.#version = table.version;
  }

  /** Known once the listening socket is this worker's. */
  #httpsPort(): number | null {
    const address = this.#servers.find(({ descriptor }) => descriptor === DESCRIPTORS.https)?.server.address() ?? null;
    return address === null || typeof address === 'string' ? null : address.port;
  }

  #status(): WorkerStatus {
    return {
      pid: process.pid,
      version: this.#version,
      state: this.#state,
      residentBytes: process.memoryUsage.rss(),
      connections: this.#plane.connections(),
      inFlight: this.#inFlight(),
      stalled: this.#plane.stalled(),
      overloaded: this.#plane.overloaded(),
      counters: this.#plane.counters(),
      droppedLogLines: this.#log.dropped,
      certificates: this.#front?.digest ?? null,
      problems: [
        ...this.#streams.problems().map((problem) => `private port ${problem}`),
        ...(this.#front?.problems ?? []),
      ],
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

  #open(descriptor: number): Server {
    const server = createServer({ noDelay: true });
    this.#servers.push({ server, descriptor });
    return server;
  }
}

interface WorkerOptions {
  readonly folder: EdgeFolder;
  readonly generation: number;
  readonly slot: number;
  readonly http: boolean;
  /** The code of TLS and HTTP/2, where HTTPS is served. */
  readonly secure: typeof Front | null;
}

function listen(server: Server, descriptor: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen({ fd: descriptor, backlog: 4096 }, () => {
      server.off('error', reject);
      // accept(2) fails when descriptors run out; the connections wait in the backlog.
      server.on('error', (error) => report(`listening socket: ${error.message}`));
      resolve();
    });
  });
}

/** The workers share one file for what they print; it begins anew when it is full, so nothing that repeats can fill the disk. */
function report(text: string): void {
  try {
    const file = fstatSync(2);
    if (file.isFile() && file.size > PRINTED_LIMIT) ftruncateSync(2, 0);
    writeSync(2, `${new Date().toISOString()} worker ${process.pid}: ${text}\n`);
  } catch {
    // The disk is full, most likely: a worker must not end of having something to say about it.
  }
}

async function main(args: readonly string[]): Promise<void> {
  // Not loaded by an edge that serves no HTTPS: it costs a worker 5 MB.
  const secure = args.includes('--https') ? await import('./tls/front.ts') : null;
  if (args.includes('--rehearse')) return;
  const [folder = '', generation, slot] = args.filter((word) => !word.startsWith('--'));
  const worker = new Worker({
    folder: edgeFolder(folder),
    generation: Number(generation),
    slot: Number(slot),
    http: args.includes('--http'),
    secure,
  });
  process.on('SIGTERM', () => void worker.drain(SIGNAL_GRACE));
  process.on('SIGHUP', () => undefined);
  await worker.start();
}

main(process.argv.slice(2)).catch((error: unknown) => {
  report(error instanceof Error ? (error.stack ?? error.message) : String(error));
  process.exit(1);
});
