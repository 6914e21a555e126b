import { decide } from '../../../src/rollout/decide.ts';
import { routable } from '../../../src/rollout/table.ts';
import type { Action, Decision, InstanceView, ServiceView } from '../../../src/rollout/view.ts';

/** A machine with one bug. */
export interface Mutant {
  readonly bug: string;
  readonly decide?: (view: ServiceView) => Decision;
  readonly routable?: (view: ServiceView) => string[];
  /** What the property that finds it says. */
  readonly found: RegExp;
}

/** A property that finds none of these proves nothing. */
export const mutants: readonly Mutant[] = [
  {
    bug: 'drains before the edge has confirmed the new',
    decide: (view) => decide(seeing(view, (it) => (it.state === 'ready' ? { ...it, inTable: true } : it))),
    found: /serving instances are left/,
  },
  {
    bug: 'stops an instance before the edge has confirmed that it is out',
    decide: (view) =>
      fooled(view, 'terminate', (it) => (it.state === 'draining' ? { ...it, inTable: false, inFlight: 0 } : it)),
    found: /told to stop while the edge sends requests/,
  },
  {
    bug: 'takes an unknown table for one that does not name the instance',
    decide: (view) =>
      fooled(view, 'terminate', (it) => ({ ...it, inTable: it.inTable === true, inFlight: it.inFlight ?? 0 })),
    found: /told to stop while the edge sends requests/,
  },
  {
    bug: 'promotes before anything is ready',
    decide: (view) =>
      decide(
        seeing(view, (it) =>
          it.release === view.rollout?.to && it.state === 'starting' ? { ...it, state: 'ready' } : it,
        ),
      ),
    found: /do not open the gate/,
  },
  {
    bug: 'promotes without comparing',
    decide: (view) => mapped(view, (action) => (action.kind === 'promote' ? { ...action, from: null } : action)),
    found: /promotion starts from what serves/,
  },
  {
    bug: 'forgets to promote back',
    decide: (view) => without(view, (action) => action.kind === 'promote' && action.to === view.rollout?.from),
    found: /no rest|does not stay withdrawing/,
  },
  {
    bug: 'forgets SIGKILL',
    decide: (view) => without(view, (action) => action.kind === 'kill'),
    found: /no rest|are left: /,
  },
  {
    bug: 'forgets SIGTERM for what drains',
    decide: (view) => without(view, (action) => action.kind === 'terminate' && view.rollout?.phase !== 'aborting'),
    found: /no rest|are left: /,
  },
  {
    bug: 'never retries',
    decide: (view) => without(view, (action) => action.kind === 'retry'),
    found: /no rest|are left: /,
  },
  {
    bug: 'leaves what a former release left',
    decide: (view) =>
      without(
        view,
        (action) =>
          action.kind === 'drain' && releaseOf(view, action.instance) !== view.current && view.rollout === null,
      ),
    found: /no rest|are left: /,
  },
  { bug: 'has no deadlines', decide: (view) => decide(timeless(view)), found: /no rest|comes to rest|the rollout end/ },
  { bug: 'does not ask to be woken', decide: (view) => ({ ...decide(view), wakeAt: null }), found: /looked after/ },
  { bug: 'does not look after what it asked for', decide: patient, found: /comes to rest|are left: / },
  {
    bug: 'does not hear a cancel',
    decide: (view) => decide(view.rollout === null ? view : { ...view, rollout: { ...view.rollout, cancel: 'no' } }),
    found: /a cancelled deploy does not go live/,
  },
  {
    bug: 'starts twice as many',
    decide: (view) => repeated(view, (action) => action.kind === 'start'),
    found: /too many/,
  },
  {
    bug: 'is live while the old release still answers',
    decide: (view) =>
      fooled(view, 'finish', (it) => (it.release === view.rollout?.to ? it : { ...it, inTable: false })),
    found: /a live release serves alone/,
  },
  {
    bug: 'exceeds the surge',
    decide: (view) => decide({ ...view, policy: { ...view.policy, maxSurge: view.policy.maxSurge + 2 } }),
    found: /too many/,
  },
  {
    bug: 'starts instances before preDeployCommand has run',
    decide: (view) =>
      decide(view.rollout?.phase === 'preparing' ? { ...view, rollout: { ...view.rollout, prepare: 'absent' } } : view),
    found: /preDeployCommand comes before/,
  },
  {
    bug: 'gives no reason',
    decide: (view) => mapped(view, (action) => (action.kind === 'drain' ? { ...action, reason: '' } : action)),
    found: /has a reason/,
  },
  {
    bug: 'routes whatever is ready',
    routable: (view) =>
      view.instances.filter((instance) => view.routed && instance.state === 'ready').map((instance) => instance.id),
    found: /routed only after its promotion|leaves out what still runs/,
  },
  {
    bug: 'routes nothing while nothing is ready',
    routable: (view) =>
      routable(view).filter((id) => view.instances.some((it) => it.id === id && it.state === 'ready')),
    found: /an empty table leaves out what still runs/,
  },
  {
    bug: 'drops the old release at the promotion',
    routable: (view) => routable(view).filter((id) => releaseOf(view, id) === view.current),
    found: /endpoints answered and \d are left|leaves out what still runs/,
  },
];

/** Bugs that only a service with a disk shows. */
export const diskMutants: readonly Mutant[] = [
  {
    bug: 'starts the new release beside the old one on the same disk',
    decide: (view) => decide({ ...view, exclusive: false }),
    found: /on the same disk|beside what has the disk/,
  },
  {
    bug: 'takes what was told to stop for gone',
    decide: (view) => decide({ ...view, instances: view.instances.filter(({ state }) => state !== 'stopping') }),
    found: /beside what has the disk/,
  },
  {
    bug: 'does not look once more before it starts',
    decide: (view) =>
      mapped(view, (action) => {
        if (action.kind !== 'start') return action;
        const { alone: _, ...start } = action;
        return start;
      }),
    found: /on the same disk/,
  },
  {
    bug: 'stops what has the disk in peace',
    decide: (view) => {
      const right = decide(view);
      const idle = view.rollout === null ? view.instances.find(({ state }) => state === 'ready') : undefined;
      if (idle === undefined) return right;
      return {
        actions: [...right.actions, { kind: 'drain', instance: idle.id, reason: 'because' }],
        wakeAt: view.now + 1_000,
      };
    },
    found: /serves and is stopped in peace|comes to rest|no rest/,
  },
  {
    bug: 'does not start again what it stopped for a release that failed',
    decide: (view) =>
      without(
        view,
        (action) => action.kind === 'start' && action.release === view.current && view.rollout?.to !== view.current,
      ),
    found: /no rest|are left: |as many instances|does not stay|comes to rest/,
  },
  {
    bug: 'keeps routing what has to let go of the disk',
    routable: (view) => routable({ ...view, exclusive: false }),
    found: /no rest|comes to rest|the rollout ended|does not stay|only ready instances/,
  },
];

function seeing(view: ServiceView, change: (instance: InstanceView) => InstanceView): ServiceView {
  return view.routed ? { ...view, instances: view.instances.map(change) } : view;
}

/** Sees something else where it decides on actions of one kind. */
function fooled(view: ServiceView, kind: Action['kind'], change: (instance: InstanceView) => InstanceView): Decision {
  const wrong = decide(seeing(view, change)).actions.filter((action) => action.kind === kind);
  const right = decide(view);
  return { ...right, actions: [...right.actions.filter((action) => action.kind !== kind), ...wrong] };
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
  const instances = view.instances.map((instance) => ({
    ...instance,
    startedAt: now,
    quickExits: 0,
    since: instance.state === 'draining' ? instance.since : now,
  }));
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
