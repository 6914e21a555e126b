import { steadyTime } from '../lib/clock.ts';
import type { RunHandle } from '../runtime/port.ts';
import { serviceKey } from '../model/service.ts';
import type { Dependencies } from './dependencies.ts';
import { endJob } from './job-ending.ts';
import { endNetworks } from './recovery.ts';
import { exitOf } from './waiting.ts';

/** Milliseconds that a one-off run (a build, a preDeployCommand) gets between SIGTERM and SIGKILL. */
const oneOffGrace = 5_000;

/**
 * Ends every run of this data folder: SIGTERM, the service's own delay, SIGKILL. The record keeps what should run, so that the next start of the daemon
 * brings it back. The loops must have been closed before.
 */
export async function stopRuns(needs: Dependencies): Promise<void> {
  const handles = await needs.runtime.inventory();
  await Promise.all(handles.map((handle) => stopRun(needs, handle)));
  for (const instance of needs.store.instances.all()) needs.store.instances.remove(instance.id);
  await endNetworks(needs);
}

async function stopRun(needs: Dependencies, handle: RunHandle): Promise<void> {
  const isInstance = needs.store.instances.all().some((instance) => instance.handle?.id === handle.id);
  const grace = isInstance
    ? (needs.store.services.get(handle.service)?.spec.shutdownDelay ?? oneOffGrace)
    : oneOffGrace;
  const { exit } = await exitOf(needs, { handle, timeout: 0, grace, signal: new AbortController().signal });
  const job = needs.store.jobs.get(handle.id);
  if (job !== null && job.state !== 'ended')
    return endJob(needs, { ...job, handle, ending: 'stopped' }, { ...exit, at: steadyTime(needs.clock, exit.at) });
  await needs.logs.detach(handle.id);
  await needs.runtime.dispose(handle);
  needs.log.info({ run: handle.id, service: serviceKey(handle.service).service }, 'stopped');
}
