import { hasInstances, listens } from '../model/service.ts';
import type { InstanceView, ServiceView } from '../rollout/view.ts';
import { isAlone } from '../spec/spec.ts';
import type { InstanceRow, RolloutRow, ServiceRow } from '../state/records.ts';
import type { Dependencies } from './dependencies.ts';
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
  const instances = needs.store.instances.of(row.id);
  const specs = specsInvolved(needs, { row, rollout, instances });
  const target = (rollout === null ? undefined : specs.get(rollout.to)) ?? row.spec;
  const before = rollout === null || rollout.from === null ? undefined : specs.get(rollout.from);
  // A disk for one at a time, of what serves, of what it replaces, or of what is to take its place.
  const exclusive = [row.spec, target, before ?? target].some(isAlone) || sharesPort(needs, row, rollout);
  const desired = desiredInstances(row, [target, ...specs.values()]);
  const release = rollout === null ? row.current : rollout.to;
  const obstacle = obstacleTo(needs, { service: row.id, release, desired });
  const routed = [...specs.values(), row.spec].some(({ type }) => listens(type));
  return {
    now: needs.clock.steady(),
    watchedSince: reach.since,
    desired: exclusive || obstacle !== null ? Math.min(1, desired) : desired,
    routed,
    current: row.current,
    rollout,
    exclusive,
    obstacle,
    instanceless: [...specs].flatMap(([release, { type }]) => (hasInstances(type) ? [] : [release])),
    unrouted: [...specs].flatMap(([release, { type }]) => (listens(type) ? [] : [release])),
    instances: instances.map((instance) => instanceView(instance, routed, reach)),
    // While a rollout is in flight its target says how patiently; afterwards what is in force.
    policy: {
      strategy: target.rollout.strategy,
      maxSurge: target.rollout.maxSurge,
      startTimeout: target.startTimeout,
      shutdownDelay: target.shutdownDelay,
    },
  };
}

/**
 * What each release says that has instances or may get them. A service may become one of another type: what is in force is of the release that serves as long
 * as no rollout is in flight.
 */
function specsInvolved(
  { store }: Pick<Dependencies, 'store'>,
  found: {
    readonly row: ServiceRow;
    readonly rollout: RolloutRow | null;
    readonly instances: readonly InstanceRow[];
  },
): ReadonlyMap<number, ServiceRow['spec']> {
  const { row, rollout, instances } = found;
  const moving = rollout === null ? [] : [rollout.to, rollout.from];
  const specs = new Map<number, ServiceRow['spec']>();
  for (const number of new Set([row.current, ...moving, ...instances.map(({ release }) => release)])) {
    if (number === null) continue;
    const isInForce = rollout === null && number === row.current;
    const spec = isInForce ? row.spec : store.releases.get(row.id, number)?.spec;
    if (spec !== undefined) specs.set(number, spec);
  }
  return specs;
}

/** `specs`: the first that has instances says how many. */
function desiredInstances(row: ServiceRow, specs: readonly ServiceRow['spec'][]): number {
  const declared = specs.find(({ type }) => hasInstances(type))?.instances;
  if (row.stopped || row.removing || declared === undefined) return 0;
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
