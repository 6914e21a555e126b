import { decide } from '../../../src/rollout/decide.ts';
import { routable } from '../../../src/rollout/table.ts';
import type { Action, Decision, InstanceView, ServiceView } from '../../../src/rollout/view.ts';
import type { Machine } from './daemon.ts';

/** The machine with one bug each. A property that finds none of them proves nothing. */
export const mutants: Readonly<Record<string, Machine>> = {
  'drains before the edge has confirmed the new': {
    decide: (view) => decide(seeing(view, (it) => ({ ...it, inTable: it.state === 'ready' ? true : it.inTable }))),
    routable,
  },
  'stops an instance before the edge has confirmed that it is out': {
    decide: (view) => decide(seeing(view, (it) => (it.state === 'draining' ? { ...it, inTable: false, inFlight: 0 } : it))),
    routable,
  },
  'takes an unknown table for one that does not name the instance': {
    decide: (view) => decide(seeing(view, (it) => ({ ...it, inTable: it.inTable === true, inFlight: it.inFlight ?? 0 }))),
    routable,
  },
  'promotes before anything is ready': {
    decide: (view) => decide(seeing(view, (it) => (it.release === view.rollout?.to && it.state === 'starting' ? { ...it, state: 'ready' } : it))),
    routable,
  },
  'promotes without comparing': { decide: (view) => mapped(view, (action) => (action.kind === 'promote' ? { ...action, from: null } : action)), routable },
  'forgets to promote back': { decide: (view) => without(view, (action) => action.kind === 'promote' && action.to === view.rollout?.from), routable },
  'forgets SIGKILL': { decide: (view) => without(view, (action) => action.kind === 'kill'), routable },
  'forgets SIGTERM for what drains': {
    decide: (view) => without(view, (action) => action.kind === 'terminate' && view.rollout?.phase !== 'aborting'),
    routable,
  },
  'never retries': { decide: (view) => without(view, (action) => action.kind === 'retry'), routable },
  'leaves what a former release left': {
    decide: (view) => without(view, (action) => action.kind === 'drain' && releaseOf(view, action.instance) !== view.current && view.rollout === null),
    routable,
  },
  'leaves the instances of a failed target': { decide: (view) => without(view, (action) => action.kind === 'terminate' && view.rollout?.phase === 'aborting'), routable },
  'has no deadlines': { decide: (view) => decide(timeless(view)), routable },
  'does not ask to be woken': { decide: (view) => ({ ...decide(view), wakeAt: null }), routable },
  'does not look after what it asked for': { decide: patient, routable },
  'ignores a cancel': {
    decide: (view) => decide(view.rollout === null ? view : { ...view, rollout: { ...view.rollout, cancel: 'no' } }),
    routable,
  },
  'starts twice as many': { decide: (view) => repeated(view, (action) => action.kind === 'start'), routable },
  'exceeds the surge': { decide: (view) => decide({ ...view, policy: { ...view.policy, maxSurge: view.policy.maxSurge + 2 } }), routable },
  'runs preDeployCommand after the start': {
    decide: (view) => decide(view.rollout === null || view.rollout.phase !== 'preparing' ? view : { ...view, rollout: { ...view.rollout, prepare: 'absent' } }),
    routable,
  },
  'gives no reason': { decide: (view) => mapped(view, (action) => (action.kind === 'drain' ? { ...action, reason: '' } : action)), routable },
  'routes whatever is ready': {
    decide,
    routable: (view) => view.instances.filter((instance) => view.routed && instance.state === 'ready').map((instance) => instance.id),
  },
  'routes nothing while nothing is ready': {
    decide,
    routable: (view) => routable(view).filter((id) => view.instances.find((instance) => instance.id === id)?.state === 'ready'),
  },
};

function seeing(view: ServiceView, change: (instance: InstanceView) => InstanceView): ServiceView {
  return view.routed ? { ...view, instances: view.instances.map(change) } : view;
}

function mapped(view: ServiceView, change: (action: Action) => Action): Decision {
  const decision = decide(view);
  return { ...decision, actions: decision.actions.map(change) };
}

function without(view: ServiceView, forgotten: (action: Action) => boolean): Decision {
  const decision = decide(view);
  return { ...decision, actions: decision.actions.filter((action) => !forgotten(action)) };
}

function repeated(view: ServiceView, twice: (action: Action) => boolean): Decision {
  const decision = decide(view);
  return { ...decision, actions: decision.actions.flatMap((action) => (twice(action) ? [action, action] : [action])) };
}

/** Everything has just begun, always. */
function timeless(view: ServiceView): ServiceView {
  const { now } = view;
  const instances = view.instances.map((instance) => ({ ...instance, startedAt: now, quickExits: 0, since: instance.state === 'draining' ? instance.since : now }));
  return { ...view, instances, rollout: view.rollout === null ? null : { ...view.rollout, since: now } };
}

/** Wakes for what time brings, and not for what may have been lost. */
function patient(view: ServiceView): Decision {
  const decision = decide(view);
  return decision.actions.length === 0 ? decision : { ...decision, wakeAt: view.now + 100_000_000_000 };
}

function releaseOf(view: ServiceView, id: string): number | undefined {
  return view.instances.find((instance) => instance.id === id)?.release;
}
