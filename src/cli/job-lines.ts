import { constants } from 'node:os';
import type { JobDocument, ScheduleDocument } from '../api/contract/job-types.ts';
import type { Messages } from './language/en.ts';
import type { Colour, Stream } from './output.ts';
import { localTime, since } from './time.ts';

/** `30 2 * * * (Europe/Berlin), next 2026-11-23 02:30`, by the clocks of the schedule's zone. */
export function scheduleText({ expression, timeZone, suspended, next }: ScheduleDocument, say: Messages): string {
  const when = suspended ? say.statuses.stopped : next === null ? say.noSlot : say.nextSlot(zonedTime(next, timeZone));
  return `${expression} (${timeZone}), ${when}`;
}

/** `2026-11-23 02:30`, as the clocks of the zone show it. */
function zonedTime(moment: string, timeZone: string): string {
  const style = { dateStyle: 'short', timeStyle: 'short', timeZone } as const;
  return new Intl.DateTimeFormat('sv-SE', style).format(new Date(moment));
}

const colours: Readonly<Record<NonNullable<JobDocument['result']>, Colour>> = {
  succeeded: 'green',
  failed: 'red',
  timeout: 'red',
  stopped: 'dim',
  replaced: 'dim',
  skipped: 'dim',
};

/** A job as a row below its service. */
export function jobRow(job: JobDocument, { out, say }: { readonly out: Stream; readonly say: Messages }): string[] {
  const { id, cause, state, result, startedAt, milliseconds, exit, command } = job;
  const word =
    result === null ? out.paint('cyan', say.jobStates[state]) : out.paint(colours[result], say.jobResults[result]);
  const took = milliseconds === null ? null : say.seconds((milliseconds / 1_000).toFixed(1));
  const facts = [
    say.jobCauses[cause],
    startedAt === null ? null : state === 'ended' ? localTime(startedAt) : since(startedAt, Date.now()),
    took,
    result === 'succeeded' || exit === null ? null : out.safe(exit),
    command === null ? null : out.safe(command),
  ];
  return [`  ${id}`, word, out.paint('dim', facts.filter((fact) => fact !== null).join(', '))];
}

/** As a shell reports a program: its code, or 128 and the number of the signal. What never ran has failed. */
export function exitCodeOf({ exitCode, signal, result }: JobDocument): number {
  if (exitCode !== null) return exitCode === 0 && result !== 'succeeded' ? 1 : exitCode;
  const numbers: Readonly<Record<string, number>> = constants.signals;
  const number = signal === null ? undefined : numbers[signal];
  return number === undefined ? 1 : 128 + number;
}
