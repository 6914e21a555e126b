/**
 * A command that runs once in a release of a service: a slot of a `cron`, a command that somebody asked for, a hook. It has one run of the runtime, of the
 * same id, which is never started a second time.
 *
 *   queued --its turn--> running --exit--> ended
 *   queued | running --told to end--> ending --exit, or it never began--> ended
 */
export const jobStates = ['queued', 'running', 'ending', 'ended'] as const;
export type JobState = (typeof jobStates)[number];

/** `schedule`: its slot came. `missed`: it makes up for slots that passed while no daemon ran. `manual`: `kapal jobs run`. `command`: `kapal run`. `hook`: `initialDeployHook`. */
export const jobCauses = ['schedule', 'missed', 'manual', 'command', 'hook'] as const;
export type JobCause = (typeof jobCauses)[number];

/** Why a job was told to end: by a person, by a later job of the service, because its time was over, because its client or its service has gone. */
export const jobEndings = ['stopped', 'replaced', 'timeout', 'client-gone', 'removed'] as const;
export type JobEnding = (typeof jobEndings)[number];

/** What came of a job. `skipped`: it never ran, because the one before still did. */
export const jobResults = ['succeeded', 'failed', 'timeout', 'stopped', 'replaced', 'skipped'] as const;
export type JobResult = (typeof jobResults)[number];

/** Jobs of a `cron`, which run one at a time; all others run beside each other. */
export function isOfSchedule(cause: JobCause): boolean {
  return cause === 'schedule' || cause === 'missed' || cause === 'manual';
}

/** What an ended job came to. `succeeded`: by itself, with code 0. */
export function resultOf(code: number | null, ending: JobEnding | null): JobResult {
  switch (ending) {
    case null:
      return code === 0 ? 'succeeded' : 'failed';
    case 'timeout':
    case 'replaced':
      return ending;
    case 'stopped':
    case 'client-gone':
    case 'removed':
      return 'stopped';
  }
}
