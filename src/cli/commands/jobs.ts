import { setTimeout as pause } from 'node:timers/promises';
import { paths } from '../../api/contract/paths.ts';
import type { JobDocument, JobsDocument } from '../../api/contract/job-types.ts';
import { type Command, type Invocation, operand } from '../command.ts';
import { exitCodeOf, jobRow, scheduleText } from '../job-lines.ts';
import { Patience } from '../operation/patience.ts';
import { table } from '../output.ts';

/** Milliseconds between looks at a job that is waited for. */
const between = 300;
/** Jobs of each service, where several are shown. */
const few = 5;

export const list: Command = {
  operands: [{ name: 'service', description: 'only this service', required: false, completes: 'service' }],
  options: [],
  examples: [
    ['jobs', 'every schedule with its next slot, and the last jobs'],
    ['jobs nightly', 'one service with all jobs that are remembered'],
    ['jobs nightly --json', 'the same, for a program'],
  ],
  async run(invocation) {
    const { operands, client, at, out, json, say } = invocation;
    const [service] = operands;
    const found = await client.get<readonly JobsDocument[]>(
      paths.jobs(service === undefined ? wide(invocation) : at, service),
    );
    // The daemon knows which name is near.
    if (found.length === 0 && service !== undefined) await client.get(paths.releases(service, at));
    if (json) out.json(found);
    else if (found.length === 0) out.out.line(say.noJobs);
    else for (const one of found) print(invocation, one, service === undefined ? few : Number.POSITIVE_INFINITY);
    return 0;
  },
};

/** Every environment, unless one is asked for. */
function wide({ at, flags, host }: Invocation): { project?: string; environment?: string } {
  const environment = flags.text('environment') ?? (host.env['KAPAL_ENVIRONMENT'] || undefined);
  return {
    ...(at.project === undefined ? {} : { project: at.project }),
    ...(environment === undefined ? {} : { environment }),
  };
}

function print(invocation: Invocation, { service, schedule, jobs }: JobsDocument, most: number): void {
  const { out, say } = invocation;
  const facts = schedule === null ? '' : `  ${scheduleText(schedule, say)}`;
  out.out.line(`${out.out.paint('bold', service)}${facts}`);
  const rows = jobs.slice(0, most).map((job) => jobRow(job, { out: out.out, say }));
  for (const line of table(rows)) out.out.line(line);
}

export const run: Command = {
  operands: [{ name: 'service', description: 'a service of type cron', required: true, completes: 'service' }],
  options: [{ flags: '--wait', description: 'wait for its end; exits as the job does' }],
  examples: [
    ['jobs run nightly', 'run it now, and print the id of the job'],
    ['jobs run nightly --wait', 'wait for its end, and exit as it does'],
  ],
  async run(invocation) {
    const { client, at, flags, out, json, say } = invocation;
    const service = operand(invocation, 0);
    const begun = await client.call<JobDocument>('POST', paths.runJob(service, at));
    const job = flags.has('wait') ? await ended(invocation, begun) : begun;
    if (json) out.json(job);
    else if (job.state !== 'ended') out.out.line(say.jobAsked(job.id, service));
    else out.out.line(say.jobEnded(job.id, out.out.safe(job.exit ?? say.jobResults[job.result ?? 'failed'])));
    return flags.has('wait') ? exitCodeOf(job) : 0;
  },
};

async function ended({ client, out, say }: Invocation, begun: JobDocument): Promise<JobDocument> {
  const patience = new Patience({ client, say, note: (text) => out.err.line(text) });
  for (let job = begun; ; ) {
    if (job.state === 'ended') return job;
    await pause(between);
    job = await patience.persist(() => client.get<JobDocument>(paths.job(begun.id)));
  }
}

export const stop: Command = {
  operands: [{ name: 'job', description: 'the id of a job that has not ended', required: true }],
  options: [],
  examples: [['jobs stop api-run-x7k2pq9w', 'SIGTERM, and SIGKILL when the delay of its service is over']],
  async run(invocation) {
    const { client, out, json, say } = invocation;
    const job = await client.call<JobDocument>('DELETE', paths.job(operand(invocation, 0)));
    if (json) out.json(job);
    else out.out.line(say.jobTold(job.id));
    return 0;
  },
};
