import { isOfSchedule, type JobCause, type JobState } from '../model/job.ts';
import { lastSlot, nextSlot, type Schedule } from '../spec/schedule.ts';
import type { CronSpec } from '../spec/spec.ts';

/** Milliseconds that a slot may be late and still be in time: a daemon that is exchanged for the next one has not missed it. */
const inTime = 60_000;
/** Milliseconds after which a missed slot is not made up for: a nightly job must not run on Monday for Friday's sake. */
const madeUpFor = 86_400_000;

export interface DueInput {
  /** Wall time: milliseconds since the epoch. */
  readonly now: number;
  readonly schedule: Schedule;
  readonly missed: CronSpec['missed'];
  /** All slots up to it are decided; null: nothing was decided yet, so it counts from now on. */
  readonly cursor: number | null;
  /** Whether a slot has had its job: after the clock was set back it comes a second time. */
  readonly isTaken: (slot: number) => boolean;
}

export interface Due {
  /** The slot whose job is due; null where none is. */
  readonly slot: { readonly at: number; readonly cause: Extract<JobCause, 'schedule' | 'missed'> } | null;
  /** The last slot that passed and is left out, with the ones before it: they are too old, or not to be made up for. */
  readonly passed: number | null;
  /** Up to here everything is decided now. */
  readonly cursor: number;
  /** The next slot; null where none ever comes. */
  readonly next: number | null;
}

/**
 * Which slot is due now. Pure, and level-triggered: it may be asked at any moment and as often as one likes. Of several that passed at once the last stands
 * for all. A clock that was set back brings slots again: those that had a job have none a second time, and the others are due as if they came first.
 */
export function due(input: DueInput): Due {
  const { now, schedule, cursor, isTaken } = input;
  if (cursor === null || now < cursor) return { slot: null, passed: null, cursor: now, next: nextSlot(schedule, now) };
  const latest = lastSlot(schedule, { after: cursor, until: now });
  if (latest === null) return { slot: null, passed: null, cursor, next: nextSlot(schedule, now) };
  const next = nextSlot(schedule, now);
  if (isTaken(latest)) return { slot: null, passed: null, cursor: latest, next };
  const cause = now - latest <= inTime ? 'schedule' : 'missed';
  if (cause === 'missed' && isTooLate(input, latest)) return { slot: null, passed: latest, cursor: latest, next };
  return { slot: { at: latest, cause }, passed: null, cursor: latest, next };
}

/** Whether a slot that is not in time is left out, or the job of one that was taken and never began. */
export function isTooLate({ now, missed }: Pick<DueInput, 'now' | 'missed'>, slot: number): boolean {
  const late = now - slot;
  return late > (missed === 'once' ? madeUpFor : inTime);
}

/** A job that has not ended. */
export interface OpenJob {
  readonly id: string;
  readonly cause: JobCause;
  readonly state: JobState;
}

export interface Admission {
  readonly admitted: boolean;
  /** Jobs that are told to end. */
  readonly replaced: readonly string[];
}

/** Whether another job of a `cron` is taken on, beside those that have not ended. */
export function admit(overlap: CronSpec['overlap'], open: readonly OpenJob[]): Admission {
  const others = open.filter(({ cause }) => isOfSchedule(cause));
  switch (overlap) {
    case 'skip':
      return { admitted: others.length === 0, replaced: [] };
    case 'queue':
      return { admitted: !others.some(({ state }) => state === 'queued'), replaced: [] };
    case 'replace':
      return { admitted: true, replaced: others.filter(({ state }) => state !== 'ending').map(({ id }) => id) };
  }
}

/** The queued jobs whose turn has come: one of a `cron` at a time, the oldest first; the others at once. `open` in the order in which they were asked for. */
export function turns(open: readonly OpenJob[]): readonly string[] {
  const isBusy = open.some(({ cause, state }) => isOfSchedule(cause) && state !== 'queued');
  const queued = open.filter(({ state }) => state === 'queued');
  const first = isBusy ? undefined : queued.find(({ cause }) => isOfSchedule(cause));
  return queued.filter((job) => job === first || !isOfSchedule(job.cause)).map(({ id }) => id);
}
