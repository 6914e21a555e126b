import type { JobDocument, JobsDocument, RunRequest, TerminalSizeRequest } from '../api/contract/job-types.ts';
import { crashpoint } from '../lib/crashpoint.ts';
import { KapalError } from '../model/errors.ts';
import { type ServiceId, serviceKey } from '../model/service.ts';
import { admit } from '../plan/due.ts';
import type { JobRow, ReleaseRow } from '../state/records.ts';
import type { Dependencies } from './dependencies.ts';
import { newId } from './ids.ts';
import { jobDocument, jobsDocument } from './job-documents.ts';
import { newJob } from './job-schedule.ts';
import { type Attached, JobStreams } from './job-streams.ts';
import { jobContext } from './launching.ts';
import { refuseRemoving } from './operations/acknowledge.ts';
import type { Loops } from './operations/operations.ts';
import { currentRelease } from './operations/releasing.ts';
import { type ServiceFilter, matches } from './queries.ts';

/** What people can ask about jobs. Methods that change something return when the intent is durable. All throw KapalError. */
export interface JobCommands {
  /** Of services with a schedule, and of those that have had jobs; with `service` of that one whatever it is. */
  list(filter: ServiceFilter): readonly JobsDocument[];
  get(id: string): JobDocument;
  /** Runs a `cron` now, as its next slot would. */
  run(service: ServiceId): JobDocument;
  /** A command in the current release, whose output goes to the service's log. */
  begin(service: ServiceId, request: RunRequest): JobDocument;
  /** The same, with its streams for the caller; it ends when they are disposed of. */
  attach(service: ServiceId, request: RunRequest): Promise<Attached>;
  /** Passes input on to an attached job, to its end. Resolves when all is written or the job reads no more. */
  feed(id: string, pieces: AsyncIterable<Uint8Array>): Promise<void>;
  resize(id: string, size: TerminalSizeRequest): Promise<void>;
  /** Tells a job to end. */
  stop(id: string): JobDocument;
}

/** What fits into one argument of a program, with room for quotation (MAX_ARG_STRLEN of execve(2)). */
const longestCommand = 100_000;

export class Jobbing implements JobCommands {
  readonly #needs: Dependencies;
  readonly #loops: Loops;
  readonly #streams: JobStreams;

  constructor(needs: Dependencies, loops: Loops) {
    this.#needs = needs;
    this.#loops = loops;
    this.#streams = new JobStreams(needs, loops);
  }

  /** Whether a client of this daemon has the streams of a job. */
  isHeld(job: string): boolean {
    return this.#streams.isHeld(job);
  }

  list(filter: ServiceFilter): readonly JobsDocument[] {
    return this.#needs.store.services
      .all()
      .filter((row) => matches(row.id, filter))
      .map((row) => jobsDocument(this.#needs, row))
      .filter(({ schedule, jobs }) => filter.service !== undefined || schedule !== null || jobs.length > 0);
  }

  get(id: string): JobDocument {
    return jobDocument(this.#needs, this.#row(id));
  }

  run(service: ServiceId): JobDocument {
    const { store, clock, random } = this.#needs;
    const { service: name } = serviceKey(service);
    const release = this.#release(service);
    const cron = store.services.get(service)?.spec.cron;
    if (cron === undefined)
      throw new KapalError('usage', `${name} has no schedule: only services of type cron have jobs of their own`, {
        hint: `A command in its release: kapal run ${name} -- COMMAND`,
      });
    const job: JobRow = {
      ...newJob({ id: newId(name, random, 8), service, release: release.number, now: clock.steady() }),
      timeout: cron.timeout,
    };
    store.transaction(() => {
      const { admitted, replaced } = admit(cron.overlap, store.jobs.open(service));
      if (!admitted)
        throw new KapalError(
          'conflict',
          `a job of ${name} ${cron.overlap === 'queue' ? 'waits already' : 'still runs'}`,
          {
            hint: `See it: kapal jobs ${name}`,
          },
        );
      for (const id of replaced) store.jobs.update(id, { state: 'ending', ending: 'replaced' });
      store.jobs.insert(job);
    });
    crashpoint('job.command.asked');
    this.#loops.wake(service);
    return jobDocument(this.#needs, job);
  }

  begin(service: ServiceId, request: RunRequest): JobDocument {
    const job = this.#command(service, request);
    this.#needs.store.jobs.insert(job);
    crashpoint('job.asked');
    this.#loops.wake(service);
    return jobDocument(this.#needs, job);
  }

  attach(service: ServiceId, request: RunRequest): Promise<Attached> {
    const job: JobRow = { ...this.#command(service, request), state: 'running', attached: true };
    return this.#streams.open({ ...job, startedAt: job.createdAt }, request.terminal);
  }

  feed(id: string, pieces: AsyncIterable<Uint8Array>): Promise<void> {
    return this.#streams.feed(id, pieces);
  }

  resize(id: string, size: TerminalSizeRequest): Promise<void> {
    return this.#streams.resize(id, size);
  }

  stop(id: string): JobDocument {
    const job = this.#row(id);
    if (job.state === 'ended') throw new KapalError('conflict', `job ${id} has ended already`);
    if (job.ending === null) this.#needs.store.jobs.update(id, { state: 'ending', ending: 'stopped' });
    crashpoint('job.stopped');
    this.#loops.wake(job.service);
    return this.get(id);
  }

  #command(service: ServiceId, { command, timeoutSeconds }: RunRequest): JobRow {
    const { clock, random, vault } = this.#needs;
    const { service: name } = serviceKey(service);
    const release = this.#release(service);
    if (release.artifact === null)
      throw new KapalError('usage', `${name} is of type ${release.spec.type}: Kapal runs nothing of it`);
    const text = JSON.stringify(command);
    if (text.length > longestCommand)
      throw new KapalError(
        'usage',
        `the command has ${text.length} characters: ${longestCommand} at most can be passed`,
        {
          hint: 'Give what is long to its stdin.',
        },
      );
    if (command.some((word) => word.includes('\0')))
      throw new KapalError('usage', 'no argument of a program can hold the character NUL');
    const id = newId(`${name}-run`, random, 8);
    return {
      ...newJob({ id, service, release: release.number, now: clock.steady() }),
      cause: 'command',
      command: vault.seal(text, jobContext(id)),
      timeout: timeoutSeconds === null ? null : timeoutSeconds * 1000,
    };
  }

  #release(service: ServiceId): ReleaseRow {
    refuseRemoving(this.#needs, service);
    return currentRelease(this.#needs, service);
  }

  #row(id: string): JobRow {
    const row = this.#needs.store.jobs.get(id);
    if (row === null) throw new KapalError('not_found', `no job ${id}`, { hint: 'See what there is: kapal jobs' });
    return row;
  }
}
