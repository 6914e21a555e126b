import { crashpoint } from '../lib/crashpoint.ts';
import type { OperationRow } from '../state/records.ts';
import type { ServiceId } from '../model/service.ts';
import { longestBackoff } from '../rollout/backoff.ts';
import type { RunHandle } from '../runtime/port.ts';
import type { Dependencies } from './dependencies.ts';
import { prepareRunId } from './launching.ts';
import type { Capacity } from './operations/capacity.ts';
import type { DeployWork } from './operations/deploy-work.ts';
import type { Deploys } from './operations/deploys.ts';
import type { Operations } from './operations/operations.ts';
import { draftOfCurrent, draftOfEarlier } from './operations/releasing.ts';
import { releaseTask, resumeRollout } from './operations/task.ts';
import { buildRunOf } from './operations/building.ts';
import { runOf } from './routing.ts';
import { openRequest } from './vaulting.ts';

/** Takes up the runs that a dead daemon left: those of instances are theirs, and what nothing owns is ended. */
export async function adoptRuns(needs: Dependencies): Promise<void> {
  // One that had gone, and whose traces were being removed.
  for (const instance of needs.store.instances.all())
    if (instance.state === 'gone') needs.store.instances.remove(instance.id);
  adoptHandles(needs, await needs.runtime.inventory());
  await endOrphans(needs, { beginning: true });
}

/**
 * Ends runs that exist but that nothing on record owns: what a daemon started after its last durable word, what a start left that the system refused half-way,
 * what could not be disposed of. The intent of a run is on record before it exists, so what is looked at first is the runs: it may be done at any time.
 */
export async function endOrphans(needs: Dependencies, at: { readonly beginning: boolean }): Promise<void> {
  const found = await needs.runtime.inventory();
  const owned = ownedRuns(needs, at);
  for (const handle of found) {
    if (owned.has(handle.id)) continue;
    needs.log.warn({ run: handle.id, service: handle.service }, 'ending a run that nothing owns');
    await needs.logs.detach(handle.id);
    await needs.runtime.dispose(handle);
    crashpoint('recovery.orphan.disposed');
  }
  await endNetworks(needs);
}

/** Removes networks of runs that no instance has. What cannot be removed is tried again later, and keeps nothing else from going on. */
export async function endNetworks({
  store,
  network,
  log,
}: Pick<Dependencies, 'store' | 'network' | 'log'>): Promise<void> {
  try {
    await network?.retain(() => new Set(store.instances.all().map(runOf)));
  } catch (error) {
    log.warn({ err: error }, 'networks of instances that are gone could not be removed');
  }
}

/** When a daemon begins, no build that has no run on record is about to have one: it starts again under a name of its own. */
function ownedRuns(needs: Dependencies, { beginning }: { readonly beginning: boolean }): Set<string> {
  const owned = new Set(needs.store.instances.all().map(runOf));
  for (const job of needs.store.jobs.allOpen()) owned.add(job.id);
  for (const rollout of needs.store.rollouts.allActive()) owned.add(prepareRunId(rollout.id));
  for (const row of needs.store.operations.running()) {
    for (const task of needs.store.operations.tasks(row.id))
      if (task.artifact !== null && task.stage === 'build' && (task.buildRun !== null || !beginning))
        owned.add(buildRunOf(task.artifact));
  }
  return owned;
}

/**
 * The machine's clock was set back since an earlier daemon wrote: moments that lie ahead become now, so that nobody waits for hours for what is due. What
 * is due later stays due no later than a back-off can last.
 */
export function moveFutureMoments({ store, clock }: Pick<Dependencies, 'store' | 'clock'>): void {
  const now = clock.steady();
  store.transaction(() => {
    for (const { id, since, startedAt, retryAt } of store.instances.all()) {
      const latest = retryAt === null ? null : Math.min(retryAt, now + longestBackoff);
      if (since <= now && startedAt <= now && latest === retryAt) continue;
      store.instances.update(id, { since: Math.min(since, now), startedAt: Math.min(startedAt, now), retryAt: latest });
    }
    for (const { id, startedAt } of store.jobs.allOpen())
      if (startedAt !== null && startedAt > now) store.jobs.update(id, { startedAt: now });
    for (const { id, since } of store.rollouts.allActive()) if (since > now) store.rollouts.update(id, { since: now });
  });
}

/** A run that was started just before its handle would have been written is the instance's own. One without a run here was never started. */
function adoptHandles(needs: Dependencies, found: readonly RunHandle[]): void {
  for (const instance of needs.store.instances.all()) {
    const handle = instance.handle === null ? found.find((run) => run.id === runOf(instance)) : undefined;
    if (handle !== undefined) needs.store.instances.update(instance.id, { handle });
    crashpoint('recovery.adopted');
  }
}

/** Lets the edge in to the files that it serves: its user may be a new one, for `kapal down --apps` removes it. Comes before the edge starts. */
export async function openToEdge({ store, artifacts }: Pick<Dependencies, 'store' | 'artifacts'>): Promise<void> {
  for (const service of store.services.all()) {
    for (const { spec, artifact, pruned } of store.releases.of(service.id)) {
      if (spec.type !== 'static' || artifact === null || pruned) continue;
      if (await artifacts.hasFolder(artifact.path, '.')) await artifacts.protect(artifact.path, 'edge');
    }
  }
}

/** Goes on with every operation that was acknowledged and has not ended. */
export function resumeOperations(
  needs: Dependencies,
  parts: { operations: Operations; deploys: Deploys; capacity: Capacity },
): void {
  for (const row of needs.store.operations.running()) {
    try {
      resume(needs, row, parts);
      crashpoint('recovery.resumed');
    } catch (error) {
      needs.log.error({ err: error, operation: row.id }, 'an operation could not be resumed');
      parts.operations.fail(row.id, error);
    }
  }
}

function resume(
  needs: Dependencies,
  row: OperationRow,
  parts: { operations: Operations; deploys: Deploys; capacity: Capacity },
): void {
  const request = openRequest(needs.vault, row);
  if (row.kind === 'deploy') {
    parts.deploys.resume(row, request as unknown as DeployWork);
    return;
  }
  const works = needs.store.operations
    .tasks(row.id)
    .filter((task) => task.stage !== 'finished')
    .map((task) => {
      if (task.stage === 'rollout' && task.release !== null)
        return {
          service: task.service,
          work: (context: Parameters<typeof resumeRollout>[0]) => resumeRollout(context, task),
        };
      if (row.kind === 'rollback') {
        const wanted = typeof request['release'] === 'number' ? request['release'] : null;
        return releasing(task.service, () => draftOfEarlier(needs, task.service, wanted));
      }
      if (row.kind === 'restart' || row.kind === 'configure') {
        const cause = typeof request['cause'] === 'string' ? request['cause'] : row.kind;
        return releasing(task.service, () => draftOfCurrent(needs, task.service, cause));
      }
      return parts.capacity.work(task.service);
    });
  parts.operations.run(row.id, works);
}

function releasing(
  service: ServiceId,
  make: Parameters<typeof releaseTask>[1],
): { service: ServiceId; work: (context: Parameters<typeof releaseTask>[0]) => Promise<void> } {
  return { service, work: (context) => releaseTask(context, make) };
}
