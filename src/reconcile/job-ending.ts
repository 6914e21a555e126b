import { crashpoint } from '../lib/crashpoint.ts';
import { describeExit, type Exit } from '../model/instance.ts';
import { type JobResult, resultOf } from '../model/job.ts';
import { serviceKey } from '../model/service.ts';
import { defaults } from '../spec/spec.ts';
import type { JobRow } from '../state/records.ts';
import type { Dependencies } from './dependencies.ts';

/** Makes the end of a job durable, says so in log and events, and clears its run. `exit.at` is of the steady clock. May be repeated. */
export async function endJob(
  needs: Pick<Dependencies, 'store' | 'logs' | 'runtime' | 'clock'>,
  job: JobRow,
  exit: Exit,
): Promise<void> {
  const { store, logs, runtime, clock } = needs;
  if (job.handle !== null && !job.attached) {
    await logs.detach(job.id);
    crashpoint('job.log.detached');
  }
  const result = resultOf(exit.code, job.ending);
  const text = endText(job, { exit, result });
  store.transaction(() => {
    const row = store.jobs.get(job.id);
    if (row === null || row.state === 'ended') return;
    store.jobs.update(job.id, { state: 'ended', endedAt: exit.at, exit, result, ending: job.ending });
    store.jobs.trim(job.service, store.services.get(job.service)?.spec.cron?.history ?? defaults.cron.history);
    // Who ran it by hand was told by the command itself.
    if (!job.attached && (result === 'failed' || result === 'timeout'))
      store.events.append({
        time: clock.now(),
        kind: 'job.failed',
        service: job.service,
        project: serviceKey(job.service).project,
        message: text,
      });
  });
  crashpoint('job.ended');
  logs.write({ service: job.service, kind: 'kapal', run: job.id, instance: job.id, release: job.release, text });
  if (job.handle === null) return;
  await runtime.dispose(job.handle);
  crashpoint('job.disposed');
}

function endText(job: JobRow, { exit, result }: { readonly exit: Exit; readonly result: JobResult }): string {
  const what = job.cause === 'hook' ? `initialDeployHook (job ${job.id})` : `job ${job.id}`;
  const took = job.startedAt === null ? '' : ` after ${(Math.max(0, exit.at - job.startedAt) / 1000).toFixed(1)} s`;
  const why = whys[result];
  return `${what} ${describeExit(exit)}${took}${why === '' ? '' : `: ${why}`}`;
}

const whys: Readonly<Record<JobResult, string>> = {
  succeeded: '',
  failed: '',
  timeout: 'it took longer than it may',
  stopped: 'it was told to end',
  replaced: 'a later one took its place',
  skipped: '',
};
