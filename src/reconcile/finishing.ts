import { crashpoint } from '../lib/crashpoint.ts';
import { type ErrorDocument, KapalError } from '../model/errors.ts';
import { serviceKey } from '../model/service.ts';
import type { Action, RolloutFailure } from '../rollout/view.ts';
import type { ReleaseRow, RolloutRow } from '../state/records.ts';
import { newId } from './ids.ts';
import { newJob } from './job-schedule.ts';
import { adoptLiveFields } from './operations/live-fields.ts';
import { gapOf, waysOut } from './placing.ts';
import type { Runs } from './runs.ts';
import type { ServiceContext } from './service-context.ts';

type Finish = Extract<Action, { kind: 'finish' }>;

/** Milliseconds for initialDeployHook, as for preDeployCommand. */
const hookTimeout = 30 * 60_000;

/** Lines of the failing program that belong to an error. */
const shownLines = 20;

/** Makes the end of a rollout durable: rollout, release, and (when live) the spec in force, in one step. */
export async function finishRollout(
  context: ServiceContext,
  input: { rollout: RolloutRow; action: Finish; runs: Pick<Runs, 'preparationEnd'> },
): Promise<void> {
  const { needs, id } = context;
  const { rollout, action, runs } = input;
  const error = action.failure === null ? null : await errorOf(context, { rollout, failure: action.failure, runs });
  const { clock } = needs;
  needs.store.transaction(() => {
    if (needs.store.rollouts.get(rollout.id)?.finishedAt !== null) return;
    needs.store.rollouts.update(rollout.id, { finishedAt: clock.steady(), outcome: action.outcome, error });
    needs.store.releases.update(id, rollout.to, { status: action.outcome, error });
    const release = needs.store.releases.get(id, rollout.to);
    if (action.outcome === 'live' && release !== null) {
      adoptLiveFields(needs, id, release.spec);
      if (rollout.from === null) orderHook(needs, release);
    }
    needs.store.events.append({
      time: clock.now(),
      kind: `rollout.${action.outcome}`,
      service: id,
      project: serviceKey(id).project,
      message: messageOf(rollout, action, error),
    });
    const gap = gapOf(needs, rollout, clock.steady());
    if (gap === null) return;
    needs.store.events.append({
      time: clock.now(),
      kind: 'rollout.gap',
      service: id,
      project: serviceKey(id).project,
      message: gap,
    });
  });
  crashpoint('rollout.finished');
  await settleRun(context, rollout);
}

/** The first release of the service is live. Part of the step that says so, so that the hook is ordered once. */
function orderHook({ store, clock, random }: ServiceContext['needs'], { service, number, spec }: ReleaseRow): void {
  if (spec.commands.initialDeploy === undefined) return;
  const id = newId(`${spec.name}-hook`, random, 6);
  const job = newJob({ id, service, release: number, now: clock.steady() });
  store.jobs.insert({ ...job, cause: 'hook', timeout: hookTimeout });
}

/** The run of preDeployCommand has ended: its lines are stored and its traces go. */
async function settleRun(context: ServiceContext, rollout: RolloutRow): Promise<void> {
  const { needs } = context;
  const run = needs.store.rollouts.get(rollout.id)?.prepareRun ?? null;
  if (run === null) return;
  await needs.logs.detach(run.id);
  await needs.runtime.dispose(run);
  crashpoint('prepare.disposed');
}

async function errorOf(
  context: ServiceContext,
  input: { rollout: RolloutRow; failure: RolloutFailure; runs: Pick<Runs, 'preparationEnd'> },
): Promise<ErrorDocument> {
  const { needs, id } = context;
  const { rollout, failure, runs } = input;
  const { service } = serviceKey(id);
  const run =
    failure.code === 'predeploy_failed' ? (rollout.prepareRun?.id ?? null) : runOfInstance(context, failure.instance);
  if (run !== null) await needs.logs.flush(run);
  const lines = run === null ? await lastLines(context, rollout) : await needs.logs.query({ run, limit: shownLines });
  const found = lines.length > 0 ? lines : await lastLines(context, rollout);
  const end = failure.code === 'predeploy_failed' ? await runs.preparationEnd(rollout) : null;
  return new KapalError(failure.code, end === null ? failure.message : `preDeployCommand ${end}`, {
    hint: hintOf(failure.code, service),
    log: found.map((line) => line.text),
  }).toDocument();
}

/** An instance that exits is started again, so its telling lines may belong to an earlier attempt: then any line of the release serves. */
async function lastLines(
  context: ServiceContext,
  rollout: RolloutRow,
): ReturnType<ServiceContext['needs']['logs']['query']> {
  const lines = await context.needs.logs.query({ service: context.id, kinds: ['app', 'predeploy'], limit: 200 });
  return lines.filter((line) => line.release === rollout.to).slice(-shownLines);
}

function runOfInstance(context: ServiceContext, instance: string | null): string | null {
  return instance === null ? null : (context.needs.store.instances.get(instance)?.handle?.id ?? null);
}

function hintOf(code: RolloutFailure['code'], service: string): string | undefined {
  switch (code) {
    case 'predeploy_failed':
      return `The new release took no traffic. All lines: kapal logs ${service}`;
    case 'boot_crashed':
      return `What served before still serves. The last lines are above; all of them: kapal logs ${service}`;
    case 'health_failed':
      return 'The program must listen on the port in PORT, and healthCheckPath must answer 2xx or 3xx within startTimeoutSeconds.';
    case 'port_insisted':
      return waysOut;
    case 'rollout_regressed':
      return 'The release before serves again.';
    case 'cancelled':
    case 'superseded':
      return undefined;
  }
}

function messageOf(rollout: RolloutRow, action: Finish, error: ErrorDocument | null): string {
  return `release ${rollout.to} is ${action.outcome.replace('_', ' ')}${error === null ? '' : `: ${error.message}`}`;
}
