import { Cron } from 'croner';
import { shown } from './report.ts';

/** When something is due: five fields (minute, hour, day of month, month, day of week) or a nickname, and the zone whose clocks they name. */
export interface Schedule {
  readonly expression: string;
  /** IANA name: `Europe/Berlin`. */
  readonly timeZone: string;
}

const fields = [
  { name: 'minute', takes: '0 to 59' },
  { name: 'hour', takes: '0 to 23' },
  { name: 'day of month', takes: '1 to 31, or L for the last' },
  { name: 'month', takes: '1 to 12, or JAN to DEC' },
  { name: 'day of week', takes: '0 to 7, or SUN to SAT' },
] as const;

/** Zone of no daylight saving time, for expressions of which only the form is looked at. */
const anyZone = 'UTC';

/**
 * Why a text is no schedule, as the end of a sentence that names the field; null for one that is. `now` in milliseconds since the epoch: a schedule has to
 * have a moment after it.
 */
export function scheduleProblem(expression: string, now: number): string | null {
  if (expression.startsWith('@')) return nicknameProblem(expression);
  const parts = expression.trim().split(/\s+/);
  if (parts.length !== fields.length)
    return `has ${parts.length} ${parts.length === 1 ? 'field' : 'fields'}, a schedule has five: ${fields.map(({ name }) => name).join(', ')}`;
  const wrong = parts.findIndex(
    (part, index) => !isSound(parts.map((_, place) => (place === index ? part : '*')).join(' ')),
  );
  const field = fields[wrong];
  if (field !== undefined) return `: ${shown(parts[wrong] ?? '')} is no ${field.name} (${field.takes})`;
  if (!isSound(expression)) return 'cannot be read';
  return nextSlot({ expression, timeZone: anyZone }, now) === null ? 'names no moment that ever comes' : null;
}

/** Whether the machine knows the zone by this name; offsets such as `+07:00` are no names. */
export function isTimeZone(name: string): boolean {
  if (!/^[A-Za-z]/.test(name)) return false;
  try {
    return new Intl.DateTimeFormat('en', { timeZone: name }).resolvedOptions().timeZone !== '';
  } catch {
    return false;
  }
}

/**
 * The first slot after a moment, in milliseconds since the epoch; null where there is none.
 *
 * As Vixie cron treats the change of clocks: times that are named (no `*` and no step in minute and hour) run once where they exist twice, and at the next
 * moment where they do not exist; intervals (`*`, steps) go by the hours that there are.
 */
export function nextSlot(schedule: Schedule, after: number): number | null {
  return cronOf(schedule).nextRun(new Date(after))?.getTime() ?? null;
}

/** The latest slot in (`after`, `until`]; null where there is none. */
export function lastSlot(
  schedule: Schedule,
  { after, until }: { readonly after: number; readonly until: number },
): number | null {
  const [slot] = cronOf(schedule).previousRuns(1, new Date(until + 1_000));
  const found = slot === undefined ? null : slot.getTime() > until ? earlier(schedule, slot) : slot.getTime();
  return found === null || found <= after ? null : found;
}

function earlier(schedule: Schedule, than: Date): number | null {
  return cronOf(schedule).previousRuns(1, than)[0]?.getTime() ?? null;
}

function nicknameProblem(expression: string): string | null {
  if (/^@(?:yearly|annually|monthly|weekly|daily|midnight|hourly)$/i.test(expression)) return null;
  return `is no nickname: there are @yearly, @monthly, @weekly, @daily and @hourly`;
}

function isSound(expression: string): boolean {
  try {
    return cronOf({ expression, timeZone: anyZone }).getPattern() !== undefined;
  } catch {
    return false;
  }
}

/** Without a function to call it is only a calculation: no timer is set. */
function cronOf({ expression, timeZone }: Schedule): Cron {
  return new Cron(expression, { timezone: timeZone, mode: '5-part', fixedTimeRule: 'no-wildcard', paused: true });
}
