import { crashpoint } from '../../lib/crashpoint.ts';
import type { Artifact, SourceRecord } from '../../model/deploy.ts';
import { KapalError } from '../../model/errors.ts';
import { type ServiceId, serviceId, serviceKey } from '../../model/service.ts';
import type { GroupSpec, ServiceSpec } from '../../spec/spec.ts';
import type { ReleaseRow, RolloutRow } from '../../state/records.ts';
import type { Dependencies } from '../dependencies.ts';
import { newId } from '../ids.ts';
import { openVariables, sealVariables } from '../vaulting.ts';
import { resolveVariables } from '../variables.ts';
import { type Candidate, fingerprintOf, sealedSpec } from './acknowledge.ts';

/** What a new release is made of; its number is taken when it is recorded. */
export type ReleaseDraft = Omit<ReleaseRow, 'number' | 'status' | 'error' | 'createdAt' | 'pruned' | 'insists'>;

export function draftOfCandidate(
  needs: Dependencies,
  input: { candidate: Candidate; groups: readonly GroupSpec[]; source: SourceRecord; artifact: Artifact | null },
): ReleaseDraft {
  const { candidate } = input;
  const service = serviceId(candidate.key);
  const groups = input.groups.filter((group) => candidate.spec.groups.includes(group.name));
  return {
    service,
    spec: sealedSpec(candidate.spec),
    source: input.source,
    artifact: input.artifact,
    fingerprint: candidate.fingerprint,
    environment: sealVariables(needs.vault, service, {
      resolved: candidate.resolved,
      declared: candidate.spec.variables,
      groups,
    }),
    cause: 'deploy',
  };
}

/** The same artifact again with variables as they are now: `restart`, `env set`. */
export function draftOfCurrent(needs: Dependencies, service: ServiceId, cause: string): ReleaseDraft {
  const current = currentRelease(needs, service);
  const { declared, groups } = openVariables(needs.vault, current);
  const spec: ServiceSpec = { ...current.spec, variables: declared };
  const { variables, missing } = resolveVariables(needs, {
    key: serviceKey(service),
    spec,
    beside: { groups, services: [] },
  });
  if (missing.length > 0)
    throw new KapalError('variable_missing', `no value for ${missing.join(', ')}`, {
      hint: 'It is declared with sync: false; set it again.',
    });
  return {
    service,
    spec: current.spec,
    source: current.source,
    artifact: current.artifact,
    fingerprint: fingerprintOf(needs, {
      spec: current.spec,
      resolved: variables,
      digest: current.source?.digest ?? '',
    }),
    environment: sealVariables(needs.vault, service, { resolved: variables, declared, groups }),
    cause,
  };
}

/** An earlier release again, with the variables that it had. Without a number: the live release before the current one. */
export function draftOfEarlier(needs: Dependencies, service: ServiceId, number: number | null): ReleaseDraft {
  const { service: name } = serviceKey(service);
  const current = currentRelease(needs, service);
  const able = needs.store.releases
    .of(service)
    .filter((release) => release.status === 'live' && !release.pruned && release.number !== current.number);
  const target =
    number === null
      ? able.find((release) => release.number < current.number && !isSame(release, current))
      : needs.store.releases.get(service, number);
  if (number === current.number)
    throw new KapalError('conflict', `release ${number} of ${name} is the current one`, {
      hint: `kapal restart ${name} starts it anew.`,
    });
  if (target === undefined || target === null || target.pruned || target.status !== 'live') {
    throw new KapalError(
      'not_found',
      number === null
        ? `${name} has no earlier release to go back to`
        : `${name} has no release ${number} that was live and is still kept`,
      {
        hint:
          able.length === 0
            ? 'Nothing else was live and is still kept.'
            : `It can go back to: ${able.map((release) => release.number).join(', ')}.`,
      },
    );
  }
  const { spec, source, artifact, fingerprint, environment } = target;
  return { service, spec, source, artifact, fingerprint, environment, cause: `rollback to ${target.number}` };
}

/** The rollout of a rolled-back release would end where it began: same artifact and same values as the current one. */
function isSame(a: ReleaseRow, b: ReleaseRow): boolean {
  return a.fingerprint === b.fingerprint && a.artifact?.id === b.artifact?.id;
}

export function currentRelease(needs: Pick<Dependencies, 'store'>, service: ServiceId): ReleaseRow {
  const row = needs.store.services.get(service);
  const release = row === null || row.current === null ? null : needs.store.releases.get(service, row.current);
  if (release !== null) return release;
  throw new KapalError('conflict', `${serviceKey(service).service} has no live release yet`, {
    hint: 'Deploy it first: kapal deploy',
  });
}

/** Records release and rollout in one durable step, with the task that waits for them. The service must have no rollout in flight. */
export function recordRelease(needs: Dependencies, draft: ReleaseDraft, operation: string): RolloutRow {
  const { store, clock, random } = needs;
  return store.transaction(() => {
    const now = clock.steady();
    const number = store.services.takeReleaseNumber(draft.service);
    const fresh = { status: 'pending', error: null, pruned: false, insists: null } as const;
    store.releases.insert({ ...draft, ...fresh, number, createdAt: clock.now() });
    const prepares = draft.spec.commands.preDeploy !== null;
    const rollout: RolloutRow = {
      id: newId('rollout', random),
      service: draft.service,
      operation,
      from: store.services.get(draft.service)?.current ?? null,
      to: number,
      phase: prepares ? 'preparing' : 'warming',
      since: now,
      prepare: prepares ? 'wanted' : 'absent',
      cancel: 'no',
      failure: null,
      startedAt: now,
      promotedAt: null,
      finishedAt: null,
      outcome: null,
      error: null,
      prepareRun: null,
      vacatedAt: null,
    };
    store.rollouts.insert(rollout);
    store.operations.updateTask(operation, draft.service, { stage: 'rollout', release: number });
    crashpoint('release.recording');
    return rollout;
  });
}
