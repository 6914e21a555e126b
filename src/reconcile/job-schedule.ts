import { createHash } from 'node:crypto';
import { crashpoint } from '../lib/crashpoint.ts';
import { type ServiceId, serviceKey } from '../model/service.ts';
import { admit, type Due, due } from '../plan/due.ts';
import type { Schedule } from '../spec/schedule.ts';
import type { CronSpec } from '../spec/spec.ts';
import type { JobRow, ServiceRow } from '../state/records.ts';
import type { ServiceContext } from './service-context.ts';

/** Milliseconds for which it is known which slots had a job: longer than a clock is set back by mistake and noticed. */
const slotsKeptFor = 2 * 86_400_000;

/** Takes the slots of a service's schedule: each becomes a job on record, once, before anything of it is started. */
export class JobSchedule {
  readonly #context: ServiceContext;
  /** Nothing is due from `cursor` until `next`, by this schedule; what is looked at without asking the record. */
  #quiet: { readonly schedule: Schedule; readonly cursor: number; readonly next: number } | null = null;

  constructor(context: ServiceContext) {
    this.#context = context;
  }

  /** Milliseconds until the next slot; infinite where there is none. */
  take(row: ServiceRow): number {
    const { needs, id } = this.#context;
    const { cron } = row.spec;
    if (cron === undefined || row.current === null || row.stopped || row.removing) {
      this.#quiet = null;
      return Number.POSITIVE_INFINITY;
    }
    const now = needs.clock.now();
    const schedule = scheduleOf(cron, needs.settings.timeZone);
    const quiet = this.#quiet;
    if (quiet !== null && isSame(quiet.schedule, schedule) && now >= quiet.cursor && now < quiet.next)
      return quiet.next - now;
    const known = needs.store.jobs.schedule(id);
    const isKnown = known !== null && isSame(known, schedule);
    // What this daemon saw holds where the record was told to begin anew: nobody stopped the service in between.
    const seen = quiet !== null && isSame(quiet.schedule, schedule) ? quiet.cursor : null;
    const found = due({
      now,
      schedule,
      missed: cron.missed,
      cursor: isKnown ? known.cursor : seen,
      isTaken: (slot) => needs.store.jobs.isTaken(id, slot),
    });
    if (!isKnown || found.cursor !== known.cursor) this.#record({ ...row, current: row.current }, cron, found);
    const next = found.next ?? Number.POSITIVE_INFINITY;
    this.#quiet = { schedule, cursor: found.cursor, next };
    return next - now;
  }

  #record(row: ServiceRow & { readonly current: number }, cron: CronSpec, { slot, passed, cursor }: Due): void {
    const { needs, id } = this.#context;
    const { store, clock, settings } = needs;
    const { expression, timeZone } = scheduleOf(cron, settings.timeZone);
    store.transaction(() => {
      store.jobs.putSchedule({ service: id, expression, timeZone, cursor });
      if (passed !== null) this.#say('job.missed', `the slot ${iso(passed)} was missed and is not made up for`);
      if (slot === null) return;
      store.jobs.take(id, slot.at);
      store.jobs.forgetSlots(id, clock.now() - slotsKeptFor);
      const { admitted, replaced } = admit(cron.overlap, store.jobs.open(id));
      for (const job of replaced) store.jobs.update(job, { state: 'ending', ending: 'replaced' });
      const job = slotJob({ row, cron, slot, now: clock.steady() });
      store.jobs.insert(admitted ? job : { ...job, state: 'ended', endedAt: job.createdAt, result: 'skipped' });
      store.jobs.trim(id, cron.history);
      if (!admitted) this.#say('job.skipped', `the slot ${iso(slot.at)} is skipped: the job before still runs`);
    });
    crashpoint('job.recorded');
  }

  #say(kind: string, message: string): void {
    const { needs, id } = this.#context;
    const { project } = serviceKey(id);
    needs.store.events.append({ time: needs.clock.now(), kind, service: id, project, message });
  }
}

/** The schedule of a service, in the zone that it names or the server's. */
export function scheduleOf(cron: CronSpec, serverZone: string): Schedule {
  return { expression: cron.schedule, timeZone: cron.timeZone ?? serverZone };
}

function isSame(a: Schedule, b: Schedule): boolean {
  return a.expression === b.expression && a.timeZone === b.timeZone;
}

function slotJob(input: {
  readonly row: ServiceRow & { readonly current: number };
  readonly cron: CronSpec;
  readonly slot: NonNullable<Due['slot']>;
  readonly now: number;
}): JobRow {
  const { row, cron, slot, now } = input;
  return {
    ...newJob({ id: slotRun(row.id, slot.at), service: row.id, release: row.current, now }),
    cause: slot.cause,
    slot: slot.at,
    timeout: cron.timeout,
  };
}

/** A job that waits for its turn. */
export function newJob(input: {
  readonly id: string;
  readonly service: ServiceId;
  readonly release: number;
  readonly now: number;
}): JobRow {
  return {
    id: input.id,
    service: input.service,
    release: input.release,
    cause: 'manual',
    slot: null,
    state: 'queued',
    command: null,
    attached: false,
    timeout: null,
    ending: null,
    handle: null,
    createdAt: input.now,
    startedAt: null,
    endedAt: null,
    exit: null,
    result: null,
  };
}

/** `nightly-20261122t0200z-3f9a1c`: the run of a slot, the same for every daemon. The digest tells projects and environments apart. */
function slotRun(service: ServiceId, slot: number): string {
  const digest = createHash('sha256').update(service).digest('hex').slice(0, 6);
  const stamp = new Date(slot).toISOString().slice(0, 16).replaceAll(/[-:]/g, '').toLowerCase();
  return `${serviceKey(service).service}-${stamp}z-${digest}`;
}

function iso(moment: number): string {
  return new Date(moment).toISOString();
}
