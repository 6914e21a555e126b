import type { ServiceType } from '../../model/service.ts';
import type { Report } from '../report.ts';
import { type CronSpec, defaults } from '../spec.ts';
import type { FoundService } from '../table/service.ts';

/** When the jobs of a service are due; `undefined` for all types but `cron`, which cannot be without a schedule. */
export function readCron(entry: FoundService, type: ServiceType, report: Report): CronSpec | undefined {
  if (type !== 'cron') return undefined;
  const { schedule, timeZone, overlap, missed, timeoutSeconds, historyLimit } = entry.fields;
  const path = `${entry.place.path}.schedule`;
  if (schedule === undefined) {
    if (!report.refusedBelow(path)) report.refuse({ ...entry.place, path }, 'is missing: a cron needs one');
    return undefined;
  }
  return {
    schedule: schedule.value,
    timeZone: timeZone?.value ?? null,
    overlap: overlap?.value ?? defaults.cron.overlap,
    missed: missed?.value ?? defaults.cron.missed,
    timeout: timeoutSeconds?.value ?? null,
    history: historyLimit?.value ?? defaults.cron.history,
  };
}
