import { plainly, shown } from '../report.ts';
import { isTimeZone, scheduleProblem } from '../schedule.ts';
import { defaults } from '../spec.ts';
import { expectation, mismatch, refuseAt, textOf } from './expectation.ts';
import { own, type Shape } from './shape.ts';
import { choice, seconds, whole } from './shapes.ts';

/** Whether a schedule ever comes does not depend on when it is read: the calendar repeats itself (ISO 8601, every 400 years). */
const someMoment = Date.UTC(2026, 0, 1);

/** A cron expression, as it was written but for the blanks around it. */
export const schedule: Shape<string> = {
  is: { kind: 'schedule' },
  read(value, at) {
    const found = textOf(value)?.trim();
    if (found === undefined) return mismatch(value, at, this.is);
    const problem = found.length > 200 ? 'is too long' : scheduleProblem(found, someMoment);
    return problem === null
      ? found
      : refuseAt(value, at, `${shown(found)}${problem.startsWith(':') ? '' : ' '}${problem}`);
  },
};

const timeZone: Shape<string> = {
  is: { kind: 'time-zone' },
  read(value, at) {
    const found = textOf(value)?.trim();
    if (found === undefined) return mismatch(value, at, this.is);
    if (isTimeZone(found)) return found;
    return refuseAt(value, at, `expected ${expectation(this.is)}, found ${plainly(found)}`);
  },
};

const crons = ['cron'] as const;

/** What Kapal adds to Render's `schedule`. */
export const cronFields = {
  timeZone: own(timeZone, 'The zone whose clocks `schedule` names, by its IANA name.', {
    types: crons,
    fallback: "the server's, which `kapal ps` says",
  }),
  overlap: own(
    choice(['skip', 'queue', 'replace']),
    'What a slot does while the job before still runs: `skip` leaves it out, `queue` lets one wait, `replace` ends the running one.',
    { types: crons, fallback: defaults.cron.overlap },
  ),
  missed: own(
    choice(['once', 'skip']),
    'What becomes of slots that passed while no daemon ran: `once` runs the last of them, if it is not older than a day; `skip` runs none.',
    { types: crons, fallback: defaults.cron.missed },
  ),
  timeoutSeconds: own(seconds(1, 604_800), 'A job that takes longer is ended, and has failed.', {
    types: crons,
    fallback: 'no limit',
  }),
  historyLimit: own(whole(1, 1000), 'Ended jobs that `kapal jobs` remembers.', {
    types: crons,
    fallback: String(defaults.cron.history),
  }),
} as const;
