import { succeed } from './exclusive.ts';
import { instanceLimit } from './limits.ts';
import { isActive, isBetweenAttempts, isBooting, isServing, mayTakeTraffic, wantedOf } from './serving.ts';
import { attend, isStale, setbacksOf, staleReason } from './stale.ts';
import { act, join, type Step } from './step.ts';
import type { Action, InstanceView, ServiceView } from './view.ts';

/** Where the instances of a service should move to. Without a rollout that is the current release, whatever is left of others. */
export interface Aim {
  /** The release that should end up with the wanted instances; `null`: none should. */
  readonly release: number | null;
  /** A release that is none of its business: the target before it takes traffic. */
  readonly except: number | null;
  /** Places under the instance limit that are kept free for `except`. */
  readonly reserved: number;
}

interface Candidate {
  readonly instance: InstanceView;
  readonly reason: string;
  /** How many instances must be known to serve without this one before it may go. */
  readonly needed: number;
}

/**
 * One step towards `desired` instances of the aim's release and none of any other. It is the motion of a rollout and the repair between
 * rollouts alike. Every drain is weighed against what is certain to serve without it, so the service never loses its last endpoint
 * to the machine itself.
 */
export function steady(view: ServiceView, aim: Aim): Step {
  if (view.exclusive) return succeed(view, aim);
  const active = view.instances.filter(isActive);
  const drains = chooseDrains(view, aim, active);
  const drained = new Set(drains.map((candidate) => candidate.instance));
  const left = active.filter((instance) => !drained.has(instance));
  return join(
    act(...drains.map(({ instance, reason }): Action => ({ kind: 'drain', instance: instance.id, reason }))),
    start(view, aim, left),
    ...left.filter((instance) => instance.release === aim.release).map((instance) => attend(view, instance)),
  );
}

/** Chooses among the candidates in their order, each as long as enough serve without it. */
function chooseDrains(view: ServiceView, aim: Aim, active: readonly InstanceView[]): readonly Candidate[] {
  const pool = active.filter((instance) => instance.release !== aim.except).toSorted(leastUsefulFirst(view));
  const chosen: Candidate[] = [];
  let serving = pool.filter((instance) => isServing(view, instance)).length;
  const consider = (candidates: readonly Candidate[], most: number) => {
    for (const candidate of candidates.slice(0, Math.max(0, most))) {
      const without = serving - (isServing(view, candidate.instance) ? 1 : 0);
      if (without < candidate.needed) continue;
      serving = without;
      chosen.push(candidate);
    }
  };
  const rest = () => pool.filter((instance) => !chosen.some((candidate) => candidate.instance === instance));
  const wanted = wantedOf(view, aim.release);
  if (wanted === 0) {
    const reason = view.desired === 0 || aim.release !== null ? 'no instance is wanted' : 'no release is current';
    consider(
      pool.map((instance) => ({ instance, reason, needed: 0 })),
      pool.length,
    );
    return chosen;
  }
  consider(ofOthers(view, aim, rest()), pool.length);
  consider(stale(view, aim, rest()), pool.length);
  const extra = surplus(view, aim, rest());
  consider(extra, extra.length - wanted);
  if (aim.reserved === 0) return chosen;
  const others = active.length - pool.length;
  consider(inTheWay(view, aim, rest()), rest().length + others + aim.reserved - instanceLimit(view));
  return chosen;
}

function ofOthers(view: ServiceView, aim: Aim, pool: readonly InstanceView[]): readonly Candidate[] {
  return pool
    .filter((instance) => instance.release !== aim.release)
    .map((instance) => ({
      instance,
      reason: `release ${aim.release} takes the place of release ${instance.release}`,
      needed: neededWithout(view, instance),
    }));
}

function stale(view: ServiceView, aim: Aim, pool: readonly InstanceView[]): readonly Candidate[] {
  return pool
    .filter((instance) => instance.release === aim.release && isStale(view, instance))
    .map((instance) => ({
      instance,
      reason: staleReason(view, instance),
      needed: neededWithout(view, instance),
    }));
}

function surplus(view: ServiceView, aim: Aim, pool: readonly InstanceView[]): readonly Candidate[] {
  return pool
    .filter((instance) => instance.release === aim.release && !isStale(view, instance))
    .map((instance) => ({
      instance,
      reason: `${view.desired} ${view.desired === 1 ? 'instance is' : 'instances are'} wanted`,
      needed: neededWithout(view, instance),
    }));
}

/** A release that does not work must not keep its successor from being tried: what is not ready of it makes room. */
function inTheWay(view: ServiceView, aim: Aim, pool: readonly InstanceView[]): readonly Candidate[] {
  return pool
    .filter((instance) => instance.state !== 'ready')
    .map((instance) => ({
      instance,
      reason: `it is not ready and makes room for release ${aim.except}`,
      needed: neededWithout(view, instance),
    }));
}

/** A ready instance goes when all that are wanted serve without it, one that only runs when any does, and one that does not even run at any time. */
function neededWithout(view: ServiceView, instance: InstanceView): number {
  if (!mayTakeTraffic(view, instance)) return 0;
  if (instance.state === 'ready') return view.desired;
  return instance.state === 'unready' ? 1 : 0;
}

/** A stale instance that may not go yet counts as missing, so that its replacement can come first. */
function start(view: ServiceView, aim: Aim, left: readonly InstanceView[]): Step {
  if (aim.release === null) return act();
  const release = aim.release;
  const sound = left.filter((instance) => instance.release === release && !isStale(view, instance));
  const missing = wantedOf(view, release) - sound.length;
  const room = instanceLimit(view) - left.length - aim.reserved;
  const reason = `${sound.length} of ${view.desired} wanted instances of release ${release} exist`;
  const setbacks = setbacksOf(view, release);
  const begin: Action = { kind: 'start', release, reason, ...(setbacks === 0 ? {} : { setbacks }) };
  return act(...Array.from({ length: Math.max(0, Math.min(missing, room)) }, () => begin));
}

/** Without a process, booting, unready, ready but not in the table, serving; the newest of its kind first. */
function leastUsefulFirst(view: ServiceView): (a: InstanceView, b: InstanceView) => number {
  const rank = (instance: InstanceView): number => {
    if (isBetweenAttempts(instance)) return 0;
    if (isBooting(instance)) return 1;
    if (instance.state === 'unready') return 2;
    return isServing(view, instance) ? 4 : 3;
  };
  return (a, b) => rank(a) - rank(b) || b.startedAt - a.startedAt || (a.id < b.id ? 1 : -1);
}
