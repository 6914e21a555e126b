import { hasInstances, listens } from '../model/service.ts';
import type { InstanceView, ServiceView } from '../rollout/view.ts';
import type { InstanceRow, RolloutRow, ServiceRow } from '../state/records.ts';
import type { Dependencies } from './dependencies.ts';
import { isExclusive } from './disks.ts';
import { obstacleTo, sharesPort } from './placing.ts';
import { runOf } from './routing.ts';

/** What the edge knows of endpoints, and what the last probe saw of instances. */
export interface Reach {
  confirms(endpoint: string): boolean | null;
  inFlight(endpoint: string): number | null;
  detail(instance: string): string | null;
  /** When this daemon began to look. */
  readonly since: number;
}

/** Joins record and observed world into what the step machine decides on. */
export function serviceView(
  needs: Pick<Dependencies, 'store' | 'clock' | 'network'>,
  row: ServiceRow,
  reach: Reach,
): ServiceView {
  const rollout = needs.store.rollouts.active(row.id);
  const spec = rolloutSpec(needs, row, rollout);
  const exclusive = isExclusive(needs, row, spec) || sharesPort(needs, row);
  const desired = desiredInstances(row, spec.instances);
  const target = rollout === null ? row.current : rollout.to;
  const obstacle = obstacleTo(needs, { service: row.id, release: target, desired });
  return {
    now: needs.clock.steady(),
    watchedSince: reach.since,
    desired: exclusive || obstacle !== null ? Math.min(1, desired) : desired,
    routed: listens(row.spec.type),
    current: row.current,
    rollout,
    exclusive,
    obstacle,
    instances: needs.store.instances
      .of(row.id)
      .map((instance) => instanceView(instance, listens(row.spec.type), reach)),
    policy: {
      strategy: spec.rollout.strategy,
      maxSurge: spec.rollout.maxSurge,
      startTimeout: spec.startTimeout,
      shutdownDelay: spec.shutdownDelay,
    },
  };
}

/** While a rollout is in flight its target says how many and how patiently; afterwards what is in force. */
function rolloutSpec(
  needs: Pick<Dependencies, 'store'>,
  row: ServiceRow,
  rollout: RolloutRow | null,
): ServiceRow['spec'] {
  return (rollout === null ? null : needs.store.releases.get(row.id, rollout.to)?.spec) ?? row.spec;
}

function desiredInstances(row: ServiceRow, declared: number): number {
  if (row.stopped || row.removing || !hasInstances(row.spec.type)) return 0;
  return row.spec.instances === declared ? (row.scale ?? declared) : declared;
}

function instanceView(row: InstanceRow, routed: boolean, reach: Reach): InstanceView {
  const run = runOf(row);
  return {
    id: row.id,
    release: row.release,
    state: row.state,
    since: row.since,
    startedAt: row.startedAt,
    quickExits: row.quickExits,
    retryAt: row.retryAt,
    inTable: routed ? reach.confirms(run) : false,
    inFlight: routed ? reach.inFlight(run) : 0,
    lastExit: row.lastExit,
    detail: reach.detail(row.id),
  };
}
