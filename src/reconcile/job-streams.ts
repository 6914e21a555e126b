import type { Readable } from 'node:stream';
import type { Frame } from '../api/contract/frames.ts';
import type { JobDocument, RunRequest, TerminalSizeRequest } from '../api/contract/job-types.ts';
import { crashpoint } from '../lib/crashpoint.ts';
import { errorDocument, KapalError } from '../model/errors.ts';
import type { RunHandle, RunSpec, RunStreams } from '../runtime/port.ts';
import type { JobRow } from '../state/records.ts';
import type { Dependencies } from './dependencies.ts';
import { diskOfRelease } from './disks.ts';
import { endJob } from './job-ending.ts';
import { jobDocument } from './job-documents.ts';
import { commandOf, jobRun } from './launching.ts';
import type { Loops } from './operations/operations.ts';
import { openVariables } from './vaulting.ts';

/** A job with its streams, for one client. Disposing lets them go: a job that has not ended is told to. */
export interface Attached extends Disposable {
  readonly job: JobDocument;
  /** What it prints as it comes, then how it ended. To be read once. */
  frames(): AsyncIterable<Frame>;
}

interface Held {
  readonly handle: RunHandle;
  readonly streams: RunStreams;
}

/** The jobs whose streams clients of this daemon have. Their runs are started here; how they end is seen by the loop of their service. */
export class JobStreams {
  readonly #needs: Dependencies;
  readonly #loops: Loops;
  /** Null: it is being started. */
  readonly #held = new Map<string, Held | null>();

  constructor(needs: Dependencies, loops: Loops) {
    this.#needs = needs;
    this.#loops = loops;
  }

  isHeld(job: string): boolean {
    return this.#held.has(job);
  }

  /** Records the job and starts it. Throws `runtime_failed`, `not_supported`. */
  async open(job: JobRow, terminal: RunRequest['terminal']): Promise<Attached> {
    const { attacher, store } = this.#needs;
    if (attacher === undefined)
      throw new KapalError('not_supported', 'this runtime cannot give the streams of a run to a client', {
        hint: 'Start it with --detach, and read its output with kapal logs.',
      });
    this.#held.set(job.id, null);
    try {
      store.jobs.insert(job);
      crashpoint('job.attached.recorded');
      const run = await this.#run(job, terminal);
      const begun = await attacher.startAttached(run, terminal);
      this.#held.set(job.id, begun);
      crashpoint('job.attached.started');
      store.jobs.update(job.id, { handle: begun.handle });
    } catch (error) {
      await this.#failed(job, error);
      throw error;
    }
    this.#loops.wake(job.service);
    return this.#attached(job);
  }

  async feed(id: string, pieces: AsyncIterable<Uint8Array>): Promise<void> {
    const { stdin } = this.#streamsOf(id).streams;
    for await (const piece of pieces) {
      if (stdin.destroyed || stdin.writableEnded) return;
      if (!stdin.write(piece)) await room(stdin);
    }
    stdin.end();
  }

  async resize(id: string, size: TerminalSizeRequest): Promise<void> {
    await this.#needs.attacher?.resize(this.#streamsOf(id).handle, size);
  }

  #streamsOf(id: string): Held {
    const held = this.#held.get(id) ?? null;
    if (held !== null) return held;
    throw new KapalError('not_found', `no client of this daemon has the streams of a job ${id}`);
  }

  async #run(job: JobRow, terminal: RunRequest['terminal']): Promise<RunSpec> {
    const { store, vault, runtime } = this.#needs;
    const release = store.releases.get(job.service, job.release);
    if (release === null) throw new KapalError('conflict', `release ${job.release} is not kept any more`);
    const account = await runtime.prepare(job.service);
    const variables = openVariables(vault, release).resolved;
    const disk = await diskOfRelease(this.#needs, release, account);
    const run = jobRun({ job, command: commandOf(job, { release, vault }), release, variables, account, disk });
    return terminal === null ? run : { ...run, environment: { ...run.environment, TERM: terminal.term } };
  }

  /** Nothing runs that anybody waits for: what there is of the run is ended with the job. */
  async #failed(job: JobRow, error: unknown): Promise<void> {
    const { store, runtime, clock } = this.#needs;
    this.#letGo(job.id);
    if (store.jobs.get(job.id) === null) return;
    const found = (await runtime.inventory()).find(({ id }) => id === job.id) ?? null;
    const detail = errorDocument(error).message;
    const exit = { code: null, signal: null, reason: 'not-started', at: clock.steady(), detail } as const;
    await endJob(this.#needs, { ...job, handle: found }, exit);
  }

  #attached(job: JobRow): Attached {
    const { service, id } = job;
    return {
      job: jobDocument(this.#needs, job),
      frames: () => this.#frames(job),
      [Symbol.dispose]: () => {
        this.#letGo(id);
        this.#loops.wake(service);
      },
    };
  }

  async *#frames(job: JobRow): AsyncGenerator<Frame> {
    const { streams } = this.#streamsOf(job.id);
    yield* merged([pieces('stdout', streams.stdout), pieces('stderr', streams.stderr)]);
    await this.#ended(job);
    const ended = this.#needs.store.jobs.get(job.id);
    if (ended !== null) yield { kind: 'ended', job: jobDocument(this.#needs, ended) };
  }

  /** Resolves when the job's end is on record, or its service has gone with all its jobs. */
  #ended({ id, service }: JobRow): Promise<void> {
    return new Promise((resolve) => {
      const look = () => {
        const row = this.#needs.store.jobs.get(id);
        if (row !== null && row.state !== 'ended') return;
        watching[Symbol.dispose]();
        resolve();
      };
      const watching = this.#loops.watch(service, look);
      look();
      this.#loops.wake(service);
    });
  }

  #letGo(id: string): void {
    this.#held.get(id)?.streams[Symbol.dispose]();
    this.#held.delete(id);
  }
}

async function* pieces(kind: 'stdout' | 'stderr', stream: Readable): AsyncGenerator<Frame> {
  try {
    for await (const bytes of stream as AsyncIterable<Buffer>) yield { kind, bytes };
  } catch (error) {
    // Let go of while it was read: there is nobody who would miss the rest.
    if (!stream.destroyed) throw error;
  }
}

/** Whatever comes first, one at a time: a slow reader holds up both. */
async function* merged<T>(sources: readonly AsyncGenerator<T>[]): AsyncGenerator<T> {
  const next = (source: AsyncGenerator<T>) => source.next().then((result) => ({ source, result }));
  const waiting = new Map(sources.map((source) => [source, next(source)]));
  while (waiting.size > 0) {
    const { source, result } = await Promise.race(waiting.values());
    if (result.done === true) waiting.delete(source);
    else {
      yield result.value;
      waiting.set(source, next(source));
    }
  }
}

function room(stream: NodeJS.WritableStream): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      for (const event of ['drain', 'close', 'finish']) stream.removeListener(event, done);
      resolve();
    };
    for (const event of ['drain', 'close', 'finish']) stream.once(event, done);
  });
}
