import { steadyTime } from '../lib/clock.ts';
import { crashpoint } from '../lib/crashpoint.ts';
import { errorDocument } from '../model/errors.ts';
import type { Exit } from '../model/instance.ts';
import type { JobEnding } from '../model/job.ts';
import { isTooLate, turns } from '../plan/due.ts';
import type { RunHandle } from '../runtime/port.ts';
import type { JobRow, ServiceRow } from '../state/records.ts';
import { diskOfRelease } from './disks.ts';
import { endJob } from './job-ending.ts';
import { JobSchedule } from './job-schedule.ts';
import { commandOf, jobRun, masksOf } from './launching.ts';
import type { ServiceContext } from './service-context.ts';

/** Milliseconds between looks at a job that runs; its end wakes the loop before. */
const pace = { running: 1_000, ending: 100 } as const;

/**
 * The jobs of one service: takes the slots of its schedule, starts those whose turn has come, and writes down how they end. Level-triggered, as the loop that
 * calls it: whatever an earlier daemon left is found in the record and in the runtime. The row of a job stands before its run, and the run has the job's id,
 * so that no job runs twice.
 */
export class Jobs {
  readonly #context: ServiceContext;
  readonly #schedule: JobSchedule;
  /** Jobs whose output this daemon collects. */
  readonly #attached = new Set<string>();
  /** Jobs that this daemon has told to end, and when they are killed. */
  readonly #killAt = new Map<string, number>();

  constructor(context: ServiceContext) {
    this.#context = context;
    this.#schedule = new JobSchedule(context);
  }

  /** One pass; answers the milliseconds until the next look, infinite where nothing is to come. */
  async pass(row: ServiceRow): Promise<number> {
    const wait = this.#schedule.take(row);
    for (const job of this.#open()) await this.#look(row, job);
    if (!row.removing) for (const job of turns(this.#open())) await this.#begin(job);
    const open = this.#open();
    if (open.length === 0) return wait;
    return Math.min(wait, open.some(({ state }) => state === 'ending') ? pace.ending : pace.running);
  }

  #open(): readonly JobRow[] {
    return this.#context.needs.store.jobs.open(this.#context.id);
  }

  /** The intent is on record before the run is started. */
  async #begin(id: string): Promise<void> {
    const { needs } = this.#context;
    needs.store.jobs.update(id, { state: 'running', startedAt: needs.clock.steady() });
    crashpoint('job.begun');
    const job = needs.store.jobs.get(id);
    if (job !== null) await this.#launch(job);
    this.#context.wake();
  }

  /** Starts its run, or finds the one that an earlier daemon started. */
  async #launch(job: JobRow): Promise<RunHandle | null> {
    const { needs, id, releases } = this.#context;
    const found = releases.get(job.release);
    try {
      if (found === null) throw new Error(`release ${job.release} is not kept any more`);
      const account = await needs.runtime.prepare(id);
      const command = commandOf(job, { ...found, vault: needs.vault });
      const disk = await diskOfRelease(needs, found.release, account);
      const handle = await needs.runtime.start(jobRun({ job, command, ...found, account, disk }));
      crashpoint('job.started');
      needs.store.jobs.update(job.id, { handle });
      crashpoint('job.run.recorded');
      return handle;
    } catch (error) {
      // What there is of it has started, and is waited for.
      const left = await this.#inventory(job);
      if (left !== null) {
        needs.store.jobs.update(job.id, { handle: left });
        return left;
      }
      needs.log.error({ err: error, service: id, job: job.id }, 'a job could not be started');
      await this.#end(job, notStarted(errorDocument(error).message, needs.clock.now()));
      return null;
    }
  }

  async #look(row: ServiceRow, job: JobRow): Promise<void> {
    const { needs } = this.#context;
    if (job.state === 'queued') {
      if (row.removing) this.#tell(job, 'removed');
      return;
    }
    const handle = job.handle ?? (await this.#recover(row, job));
    if (handle === null) return;
    if (!job.attached && !this.#attached.has(job.id)) await this.#attach(job, handle);
    const seen = await needs.runtime.observe(handle);
    // The leader may be a shell, which SIGTERM ends at once; what it was told to end with it has the same time as anybody.
    if (seen.phase === 'exited' && !(seen.remains && job.ending !== null && !this.#isKilled(job)))
      return this.#end({ ...job, handle }, seen.exit);
    const ending = job.ending ?? this.#endingOf(row, job);
    if (ending === null) return;
    if (job.ending === null) this.#tell(job, ending);
    await this.#endRun(row, job, handle);
  }

  /** Why a running job has to end now; null where it may go on. */
  #endingOf(row: ServiceRow, job: JobRow): JobEnding | null {
    const { clock } = this.#context.needs;
    if (row.removing) return 'removed';
    if (job.attached && !this.#context.isHeld(job.id)) return 'client-gone';
    const isOver = job.timeout !== null && job.startedAt !== null && clock.steady() - job.startedAt >= job.timeout;
    return isOver ? 'timeout' : null;
  }

  #tell(job: JobRow, ending: JobEnding): void {
    this.#context.needs.store.jobs.update(job.id, { state: 'ending', ending });
    crashpoint('job.told');
    this.#context.wake();
  }

  /** SIGTERM once, and SIGKILL when the service's own delay is over. */
  async #endRun(row: ServiceRow, job: JobRow, handle: RunHandle): Promise<void> {
    const { clock, runtime } = this.#context.needs;
    const killAt = this.#killAt.get(job.id);
    if (killAt === undefined) {
      this.#killAt.set(job.id, clock.monotonic() + row.spec.shutdownDelay);
      await runtime.signal(handle, 'terminate');
    } else if (clock.monotonic() >= killAt) await runtime.signal(handle, 'kill');
  }

  #isKilled({ id }: JobRow): boolean {
    return this.#context.needs.clock.monotonic() >= (this.#killAt.get(id) ?? Number.POSITIVE_INFINITY);
  }

  /** The run of a job whose start is not on record: of an earlier daemon, which may or may not have come so far. */
  async #recover(row: ServiceRow, job: JobRow): Promise<RunHandle | null> {
    const { needs } = this.#context;
    // Who holds its streams is starting it.
    if (job.attached && this.#context.isHeld(job.id)) return null;
    // To start it again starts nothing twice, and starts what a daemon only intended.
    if (job.ending === null && !job.attached && !this.#isTooLate(row, job)) return this.#launch(job);
    const found = await this.#inventory(job);
    if (found === null) {
      const exit = notStarted('it was ended before it began', needs.clock.now());
      await this.#end({ ...job, ending: job.ending ?? 'stopped' }, exit);
    } else needs.store.jobs.update(job.id, { handle: found });
    return found;
  }

  #isTooLate({ spec }: ServiceRow, { slot }: JobRow): boolean {
    const now = this.#context.needs.clock.now();
    return slot !== null && isTooLate({ now, missed: spec.cron?.missed ?? 'once' }, slot);
  }

  async #inventory(job: JobRow): Promise<RunHandle | null> {
    const runs = await this.#context.needs.runtime.inventory();
    return runs.find(({ id }) => id === job.id) ?? null;
  }

  /** Drains what it prints into the log store; after a restart of the daemon it goes on where it stopped. */
  async #attach(job: JobRow, handle: RunHandle): Promise<void> {
    const { needs, id, releases } = this.#context;
    const masks = masksOf(releases.get(job.release)?.variables ?? []);
    const { release, id: run } = job;
    await needs.logs.attach({ path: handle.log, run, service: id, kind: 'app', instance: run, release, masks });
    this.#attached.add(job.id);
  }

  async #end(job: JobRow, exit: Exit): Promise<void> {
    const { needs } = this.#context;
    await endJob(needs, job, { ...exit, at: steadyTime(needs.clock, exit.at) });
    this.#attached.delete(job.id);
    this.#killAt.delete(job.id);
    this.#context.wake();
  }
}

function notStarted(detail: string, at: number): Exit {
  return { code: null, signal: null, reason: 'not-started', at, detail };
}
