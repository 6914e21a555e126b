import { z } from 'zod';
import { jobCauses, jobResults, jobStates } from '../../model/job.ts';
import { serviceTypes } from '../../model/service.ts';

const moment = (what: string) => z.string().describe(`${what} ISO 8601, UTC.`);
const momentOrNull = (what: string) => z.string().nullable().describe(`${what} ISO 8601, UTC.`);

export const jobSchema = z
  .object({
    id: z.string().describe('Names it in /jobs/{id}, and in the log.'),
    project: z.string().describe('The project of its service.'),
    environment: z.string().describe('The environment of its service.'),
    service: z.string().describe('The service in whose release it runs.'),
    release: z.number().int().describe('The release that it runs in.'),
    cause: z.enum(jobCauses).describe('What asked for it. missed: it makes up for slots that passed unseen.'),
    state: z.enum(jobStates).describe('It ends, always.'),
    result: z.enum(jobResults).nullable().describe('What came of it; null until it has ended.'),
    slot: momentOrNull('The moment of the schedule that it stands for; null without one.'),
    createdAt: moment('When it was asked for.'),
    startedAt: momentOrNull('When it was started.'),
    endedAt: momentOrNull('When it ended.'),
    milliseconds: z.number().nullable().describe('How long it took.'),
    exitCode: z.number().int().nullable().describe('Of its program; null where it did not exit by itself.'),
    signal: z.string().nullable().describe('The signal that ended it.'),
    exit: z.string().nullable().describe('How it ended, in words.'),
    command: z.string().nullable().describe('What kapal run was given; null for what is declared.'),
  })
  .meta({ id: 'Job', description: 'A command that runs once.' });

export const scheduleSchema = z
  .object({
    expression: z.string().describe('As declared.'),
    timeZone: z.string().describe("The zone whose clocks it names: the declared one, or the server's."),
    suspended: z.boolean().describe('The service is stopped: no slot is taken.'),
    next: momentOrNull('The next slot; null while it is suspended, or before the first release.'),
    last: jobSchema.nullable().describe('The last job of the schedule, or that was asked for by hand.'),
  })
  .meta({ id: 'Schedule' });

export const jobsSchema = z
  .object({
    project: z.string().describe('The project of the service.'),
    environment: z.string().describe('Its environment.'),
    service: z.string().describe('Its name.'),
    type: z.enum(serviceTypes).describe('What was declared.'),
    schedule: scheduleSchema.nullable().describe('Of a cron; null for all others.'),
    jobs: z.array(jobSchema).describe('Newest first; ended ones up to a limit.'),
  })
  .meta({ id: 'Jobs', description: 'One element of kapal jobs --json.' });

const characters = (what: string) => z.number().int().min(1).max(10_000).describe(what);
const size = { rows: characters('Lines.'), columns: characters('Characters of a line.') };

export const terminalSizeSchema = z.object(size).meta({ id: 'TerminalSize', description: 'In characters.' });

export const runRequestSchema = z
  .object({
    command: z.array(z.string().max(100_000)).min(1).max(10_000).describe('Program and arguments, never shell text.'),
    detach: z.boolean().describe('Its output goes to the log, and it outlives the request.'),
    timeoutSeconds: z.number().int().min(1).max(604_800).nullable().describe('It is ended then; null: no limit.'),
    terminal: z
      .object({
        ...size,
        term: z
          .string()
          .regex(/^[\w.+-]{1,100}$/)
          .describe('The kind of terminal: TERM.'),
      })
      .nullable()
      .describe('It gets a terminal of this size; null: three streams.'),
  })
  .meta({ id: 'RunRequest' });
