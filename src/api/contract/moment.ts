/** How moments in the past may be written, in words for help texts and errors. */
export const momentForms =
  'a duration such as 30s, 10m, 2h or 7d, or a date such as 2026-01-31 or 2026-01-31T08:00:00Z';

const MILLISECONDS = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000, w: 604_800_000 } as const;
const DURATION = /^(\d{1,9})([smhdw])$/;
const DATE = /^\d{4}-\d{2}-\d{2}(?:[T ]\d{2}:\d{2}(?::\d{2}(?:\.\d{1,9})?)?(?:Z|[+-]\d{2}:?\d{2})?)?$/;

/**
 * Reads a moment: a duration before `now`, or an ISO 8601 date. Answers milliseconds since the epoch, or null for any other text.
 * A date without a time is midnight UTC, a time without a zone is local (ECMA-262, Date Time String Format).
 */
export function parseMoment(text: string, now: number): number | null {
  const duration = DURATION.exec(text);
  if (duration !== null) {
    const [, count = '', unit = ''] = duration;
    return now - Number(count) * MILLISECONDS[unit as keyof typeof MILLISECONDS];
  }
  if (!DATE.test(text)) return null;
  const moment = Date.parse(text.replace(' ', 'T'));
  return Number.isNaN(moment) ? null : moment;
}
