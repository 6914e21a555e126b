import type { JobDocument, JobsDocument, ScheduleDocument } from '../api/contract/job-types.ts';
import { wallTime } from '../lib/clock.ts';
import { describeExit } from '../model/instance.ts';
import { isOfSchedule } from '../model/job.ts';
import { serviceKey } from '../model/service.ts';
import { createMasker, type Masker } from '../secrets/mask.ts';
import { nextSlot } from '../spec/schedule.ts';
import type { JobRow, ServiceRow } from '../state/records.ts';
import type { Dependencies } from './dependencies.ts';
import { scheduleOf } from './job-schedule.ts';
import { argvOf, masksOf } from './launching.ts';
import { openVariables } from './vaulting.ts';

type Needs = Pick<Dependencies, 'store' | 'clock' | 'vault' | 'settings'>;

/** What `kapal jobs` shows of a service. */
export function jobsDocument(needs: Needs, row: ServiceRow): JobsDocument {
  return {
    ...serviceKey(row.id),
    type: row.spec.type,
    schedule: scheduleDocument(needs, row),
    jobs: needs.store.jobs.of(row.id).map((job) => jobDocument(needs, job)),
  };
}

/** Null for all types but `cron`. */
export function scheduleDocument(needs: Needs, row: ServiceRow): ScheduleDocument | null {
  const { cron } = row.spec;
  if (cron === undefined) return null;
  const schedule = scheduleOf(cron, needs.settings.timeZone);
  const isRunning = !row.stopped && !row.removing && row.current !== null;
  const next = isRunning ? nextSlot(schedule, needs.clock.now()) : null;
  const last = needs.store.jobs.of(row.id).find(({ cause }) => isOfSchedule(cause));
  return {
    expression: schedule.expression,
    timeZone: schedule.timeZone,
    suspended: row.stopped,
    next: next === null ? null : iso(next),
    last: last === undefined ? null : jobDocument(needs, last),
  };
}

export function jobDocument(needs: Needs, job: JobRow): JobDocument {
  const moment = (steady: number | null): string | null =>
    steady === null ? null : iso(wallTime(needs.clock, steady));
  const { startedAt, endedAt, exit } = job;
  const argv = argvOf(job, needs.vault);
  return {
    id: job.id,
    ...serviceKey(job.service),
    release: job.release,
    cause: job.cause,
    state: job.state,
    result: job.result,
    slot: job.slot === null ? null : iso(job.slot),
    createdAt: iso(wallTime(needs.clock, job.createdAt)),
    startedAt: moment(startedAt),
    endedAt: moment(endedAt),
    milliseconds: startedAt === null || endedAt === null ? null : Math.max(0, Math.round(endedAt - startedAt)),
    exitCode: exit?.code ?? null,
    signal: exit?.signal ?? null,
    exit: exit === null ? null : describeExit(exit),
    command: argv === null ? null : maskerOf(needs, job)(argv.join(' ')),
  };
}

/** Secret values of the service do not show where somebody wrote one into a command. */
function maskerOf({ store, vault }: Needs, { service, release }: JobRow): Masker {
  const found = store.releases.get(service, release);
  return createMasker(found === null ? [] : masksOf(openVariables(vault, found).resolved));
}

function iso(moment: number): string {
  return new Date(moment).toISOString();
}
