import type { CronSpec } from '../spec/spec.ts';
import type { Aspect } from './aspect.ts';
import { quoted, seconds } from './said.ts';

/** When jobs are due, and how many at a time: all of it takes effect without a new release. */
export const cronAspects: readonly Aspect[] = [
  aspect('schedule', (cron) => quoted(cron.schedule)),
  aspect('timeZone', (cron) => cron.timeZone ?? "the server's"),
  aspect('overlap', (cron) => cron.overlap),
  aspect('missed', (cron) => cron.missed),
  aspect('timeoutSeconds', (cron) => (cron.timeout === null ? 'none' : seconds(cron.timeout))),
  aspect('historyLimit', (cron) => String(cron.history)),
];

function aspect(field: string, said: (cron: CronSpec) => string): Aspect {
  return { field, release: false, said: ({ cron }) => (cron === undefined ? 'none' : said(cron)) };
}
