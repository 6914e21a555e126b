import { activeOf, isActive, servingOf, wantedOf } from './serving.ts';
import { attend, isStale, staleReason } from './stale.ts';
import { act, join, type Step } from './step.ts';
import type { Action, InstanceView, RolloutView, ServiceView } from './view.ts';

/**
 * The motion of a service whose instances may not run side by side, because a disk, or a port of the machine, belongs to one of them at a time. Stop first:
 *
 *   something else runs --drain, SIGTERM, gone--> nothing runs --start, alone--> one instance of the wanted release
 *
 * Nothing starts while anything is left: an instance in whatever state, or preDeployCommand, which sees the disk too. The service answers
 * nothing in between. An instance's own next attempt is not another one: its process group has been cleared away before.
 * `except` is a release that is none of its business, as in `steady`.
 */
export function succeed(
  view: ServiceView,
  aim: { readonly release: number | null; readonly except: number | null },
): Step {
  const release = wantedOf(view, aim.release) === 0 ? null : aim.release;
  const active = view.instances.filter((instance) => isActive(instance) && instance.release !== aim.except);
  const kept = release === null ? undefined : activeOf(view, release).find((instance) => !isStale(view, instance));
  const drains = active
    .filter((instance) => instance !== kept)
    .map((instance): Action => ({ kind: 'drain', instance: instance.id, reason: leaving(view, instance, release) }));
  return join(
    act(...drains),
    release === null || isGivingWay(view) ? act() : startAlone(view, release),
    kept === undefined ? act() : attend(view, kept),
  );
}

/** Makes room for the target of a rollout: all that is not of it goes. */
export function vacate(view: ServiceView, rollout: RolloutView): Step {
  const others = view.instances.filter((instance) => instance.release !== rollout.to && isActive(instance));
  return act(
    ...others.map(
      (instance): Action => ({ kind: 'drain', instance: instance.id, reason: leaving(view, instance, rollout.to) }),
    ),
  );
}

/** Nothing is left that could write to the disk, or have the port. */
export function isVacant(view: ServiceView): boolean {
  return view.instances.every((instance) => instance.state === 'gone') && view.rollout?.prepare !== 'running';
}

/** The one instance of a release, as soon as nothing else of the service is left. */
export function startAlone(view: ServiceView, release: number): Step {
  if (!isVacant(view)) return act();
  return act({
    kind: 'start',
    release,
    alone: true,
    reason: `nothing else of the service is left: release ${release} may have what one alone can have`,
  });
}

/** What was stopped for a target that failed serves again, or nothing has to: then the rollout may end. */
export function isRestored(view: ServiceView): boolean {
  if (view.current === null || isGivingWay(view)) return true;
  return servingOf(view, view.current).length >= wantedOf(view, view.current);
}

/** Aborted for a newer deploy, which would stop again whatever was started now. */
function isGivingWay({ rollout }: ServiceView): boolean {
  return rollout?.phase === 'aborting' && rollout.failure?.code === 'superseded';
}

function leaving(view: ServiceView, instance: InstanceView, release: number | null): string {
  if (view.desired === 0) return 'no instance is wanted';
  if (release === null) return 'no release is current';
  if (instance.release !== release)
    return `it has to let go of what one alone can have before release ${release} takes the place of release ${instance.release}`;
  return isStale(view, instance) ? staleReason(view, instance) : 'one instance is wanted';
}
