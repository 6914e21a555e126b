import type { OperationEvent } from '../../api/contract/types.ts';
import { crashpoint } from '../../lib/crashpoint.ts';
import { KapalError, errorDocument } from '../../model/errors.ts';
import type { DeployTimes, SourceRecord } from '../../model/deploy.ts';
import { serviceKey, type ServiceId } from '../../model/service.ts';
import type { GroupSpec } from '../../spec/spec.ts';
import type { RunHandle } from '../../runtime/port.ts';
import type { RolloutRow, TaskRow } from '../../state/records.ts';
import type { Dependencies } from '../dependencies.ts';
import { newId } from '../ids.ts';
import { gapOf } from '../placing.ts';
import type { Slots } from '../slots.ts';
import { stored } from '../storing.ts';
import type { Candidate } from './acknowledge.ts';
import { abortReason, build } from './building.ts';
import { draftOfCandidate, recordRelease, type ReleaseDraft } from './releasing.ts';

export interface TaskContext {
  readonly needs: Dependencies;
  readonly operation: string;
  readonly service: ServiceId;
  /** Aborted by `cancel` and by a newer deploy; its reason is a KapalError. */
  readonly signal: AbortSignal;
  /** The daemon ends: how things fail from now on says nothing of them, and is not recorded. */
  readonly isLeft: () => boolean;
  readonly slots: Slots;
  /** Throws `disk_full` while there is too little room to begin a build. */
  readonly admitBuild: () => Promise<void>;
  /** One rollout of a service at a time: resolves when none is in flight, having asked the one that is to give way. */
  readonly clear: (service: ServiceId, signal: AbortSignal) => Promise<Disposable>;
  /** Resolves when the rollout has ended. */
  readonly ended: (rollout: string) => Promise<RolloutRow>;
  /** Resolves when no hook of the service's release is at work. */
  readonly hooked: (service: ServiceId, release: number) => Promise<void>;
  readonly wake: (service: ServiceId) => void;
  readonly publish: (event: OperationEvent) => void;
}

/** Source to live: builds, records the release, waits for its rollout. Never throws: how it ended stands in the task's row. */
export async function deployTask(
  context: TaskContext,
  input: {
    candidate: Candidate;
    groups: readonly GroupSpec[];
    source: SourceRecord;
    /** After a restart of the daemon it is the same tree still. */
    isFixed: boolean;
  },
): Promise<void> {
  const { needs } = context;
  await settle(context, async () => {
    const artifact = needsBuild(input.candidate) ? await buildStage(context, input) : null;
    return () => draftOfCandidate(needs, { ...input, artifact });
  });
}

/** A release without a build: `make` is called when the service is clear, so that it sees what is current then. */
export async function releaseTask(context: TaskContext, make: () => ReleaseDraft): Promise<void> {
  await settle(context, () => Promise.resolve(make));
}

/** After a restart of the daemon: the rollout is on record and goes on by itself. */
export async function resumeRollout(context: TaskContext, task: TaskRow): Promise<void> {
  const active = context.needs.store.rollouts.active(context.service);
  if (active !== null && active.to === task.release) return finishRollout(context, await context.ended(active.id));
  const release = task.release === null ? null : context.needs.store.releases.get(context.service, task.release);
  const outcome = release === null || release.status === 'pending' ? 'failed' : release.status;
  await finishTask(context, { outcome, error: release?.error ?? null });
}

async function settle(context: TaskContext, make: () => Promise<() => ReleaseDraft>): Promise<void> {
  try {
    const rollout = await beginRollout(context, await make());
    if (rollout.prepare === 'wanted') {
      context.publish({
        kind: 'stage',
        service: nameOf(context),
        stage: 'prepare',
        message: 'running preDeployCommand',
      });
    }
    const message = `starting release ${rollout.to}`;
    context.publish({ kind: 'stage', service: nameOf(context), stage: 'start', message });
    context.wake(context.service);
    await finishRollout(context, await context.ended(rollout.id));
  } catch (error) {
    if (context.isLeft()) throw error;
    const cause = context.signal.aborted ? abortReason(context.signal) : error;
    if (!(cause instanceof KapalError))
      context.needs.log.error({ err: cause, service: context.service }, 'a deploy failed by a fault');
    await finishTask(context, endBy(cause));
  }
}

function endBy(cause: unknown): Pick<TaskRow, 'outcome' | 'error'> {
  const error = errorDocument(cause);
  return { outcome: error.code === 'cancelled' || error.code === 'superseded' ? 'cancelled' : 'failed', error };
}

/** The turn ends with the record: a newer release then asks this rollout to give way, and must not wait for its end to do so. */
async function beginRollout(context: TaskContext, make: () => ReleaseDraft): Promise<RolloutRow> {
  using _turn = await context.clear(context.service, context.signal);
  context.signal.throwIfAborted();
  const rollout = recordRelease(context.needs, make(), context.operation);
  crashpoint('release.recorded');
  return rollout;
}

async function buildStage(
  context: TaskContext,
  { candidate, source, isFixed }: { candidate: Candidate; source: SourceRecord; isFixed: boolean },
): Promise<ReturnType<typeof build>> {
  const { needs, operation, service, signal } = context;
  const begun = needs.clock.monotonic();
  const task = taskRow(context);
  // A build whose run was never recorded left nothing that can be adopted: it starts again under a name of its own.
  const adopt = task.artifact === null ? null : await adoptable(needs, task.buildRun, isFixed);
  // What it left of a folder goes first: once the task has another name, nothing would lead to it until the service's next release.
  if (adopt === null && task.artifact !== null)
    await needs.artifacts.remove(needs.artifacts.folder(service, task.artifact));
  const artifact = adopt !== null && task.artifact !== null ? task.artifact : newId('artifact', needs.random);
  needs.store.operations.updateTask(operation, service, { stage: 'build', artifact, buildRun: adopt });
  crashpoint('build.named');
  using _slot = await context.slots.take(signal, (position) => {
    context.publish({
      kind: 'stage',
      service: candidate.spec.name,
      stage: 'build',
      message: `waits for ${position} ${position === 1 ? 'build' : 'builds'} to end`,
    });
  });
  // The disk may have filled since the deploy was taken: a remote was fetched, or others were built.
  if (adopt === null) await context.admitBuild();
  context.publish({
    kind: 'stage',
    service: candidate.spec.name,
    stage: 'build',
    message: candidate.spec.commands.build ?? 'building',
  });
  try {
    return await build(needs, {
      candidate,
      artifact,
      digest: source.digest,
      adopt,
      signal,
      began: (handle) => needs.store.operations.updateTask(operation, service, { buildRun: handle }),
      line: (text) => context.publish({ kind: 'log', service: candidate.spec.name, text }),
    });
  } finally {
    setTimes(context, { build: needs.clock.monotonic() - begun });
  }
}

/**
 * The run of an earlier daemon's build, where it runs or is known to have ended. A power cut leaves no word of its end, nor does a daemon that died
 * between the end of the build and the record of its release: then null, and the build is made anew.
 */
async function adoptable(needs: Dependencies, run: RunHandle | null, isFixed: boolean): Promise<RunHandle | null> {
  if (run === null) return null;
  const seen = await needs.runtime.observe(run);
  // A remote was fetched anew after the restart: its branch may have moved, and the run builds what it was before.
  const known = seen.phase !== 'exited' || (seen.exit.reason !== 'unknown' && seen.exit.reason !== 'not-started');
  if (isFixed && known) return run;
  await needs.runtime.dispose(run);
  return null;
}

/** Ends a task that cannot be decided any more, its build included. */
export async function abandonTask(context: TaskContext, task: TaskRow, reason: unknown): Promise<void> {
  const { needs, service, signal } = context;
  if (task.buildRun !== null) await needs.runtime.dispose(task.buildRun);
  if (task.artifact !== null) await needs.artifacts.remove(needs.artifacts.folder(service, task.artifact));
  await finishTask(context, endBy(signal.aborted ? abortReason(signal) : reason));
}

async function finishRollout(context: TaskContext, rollout: RolloutRow): Promise<void> {
  const end = rollout.finishedAt ?? context.needs.clock.steady();
  const promoted = rollout.promotedAt ?? end;
  const took = { start: promoted - rollout.startedAt, shift: end - promoted };
  const gap = gapOf(context.needs, rollout, end);
  if (gap !== null) context.publish({ kind: 'notice', service: nameOf(context), message: gap });
  await context.hooked(rollout.service, rollout.to);
  await finishTask(context, { outcome: rollout.outcome ?? 'failed', error: rollout.error }, took);
}

/** Makes the end of a task durable, on a full disk as soon as there is room: an end that is nowhere would be waited for without end. */
export async function finishTask(
  context: TaskContext,
  end: Pick<TaskRow, 'outcome' | 'error'>,
  took: Partial<DeployTimes> = {},
): Promise<void> {
  await stored(context.needs, () => recordEnd(context, end, took), context.isLeft);
  crashpoint('task.finished');
}

function recordEnd(context: TaskContext, end: Pick<TaskRow, 'outcome' | 'error'>, took: Partial<DeployTimes>): void {
  const { needs, operation, service } = context;
  const row = needs.store.operations.get(operation);
  const times = { ...taskRow(context).times, ...rounded(took) };
  const total = times.source + Math.max(0, needs.clock.now() - (row?.createdAt ?? needs.clock.now()));
  needs.store.operations.updateTask(operation, service, { stage: 'finished', ...end, times: { ...times, total } });
}

function setTimes(context: TaskContext, times: Partial<DeployTimes>): void {
  const known = taskRow(context).times;
  context.needs.store.operations.updateTask(context.operation, context.service, {
    times: { ...known, ...rounded(times) },
  });
}

function rounded(times: Partial<DeployTimes>): Partial<DeployTimes> {
  return Object.fromEntries(Object.entries(times).map(([key, value]) => [key, Math.max(0, Math.round(value))]));
}

function taskRow(context: TaskContext): TaskRow {
  const task = context.needs.store.operations.tasks(context.operation).find((one) => one.service === context.service);
  if (task === undefined)
    throw new KapalError('internal', `operation ${context.operation} lost its task for ${context.service}`);
  return task;
}

function nameOf(context: TaskContext): string {
  return serviceKey(context.service).service;
}

/** A proxy has no files; everything else gets a folder even where no command runs. */
function needsBuild(candidate: Candidate): boolean {
  return candidate.spec.type !== 'proxy';
}
