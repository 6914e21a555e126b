import { act, join, nothing, type Step, wakeAt } from './step.ts';
import type { InstanceView, ServiceView } from './view.ts';

/**
 * The end of instances, of whatever release: draining --nothing under way, or shutdownDelay passed--> SIGTERM --shutdownDelay--> SIGKILL.
 *
 * SIGTERM waits until the edge has confirmed that it does not name the instance any more, however long that takes: without this the
 * table of a dead daemon would send requests to a stopped process. Only where nothing is wanted does time alone suffice.
 * SIGTERM is sent once: many programs take a second one as the order to quit at once. If it was lost, SIGKILL comes.
 */
export function retire(view: ServiceView): Step {
  return join(...view.instances.map((instance) => end(view, instance)));
}

function end(view: ServiceView, instance: InstanceView): Step {
  const deadline = instance.since + view.policy.shutdownDelay;
  if (instance.state === 'stopping') return view.now >= deadline ? kill(view, instance) : wakeAt(deadline);
  if (instance.state !== 'draining') return nothing;
  const reason = terminationReason(view, instance);
  return reason === null ? wakeAt(deadline) : act({ kind: 'terminate', instance: instance.id, reason });
}

function terminationReason(view: ServiceView, instance: InstanceView): string | null {
  if (!view.routed) return 'it takes no requests that could be waited for';
  const overdue = view.now >= instance.since + view.policy.shutdownDelay;
  if (instance.inTable === false && instance.inFlight === 0)
    return 'the edge names it no more and nothing is under way at it';
  if (instance.inTable === false && overdue)
    return `${seconds(view.policy.shutdownDelay)} for what is under way have passed`;
  return view.desired === 0 && overdue ? 'the service is stopped and the edge does not answer' : null;
}

function kill(view: ServiceView, instance: InstanceView): Step {
  return act({
    kind: 'kill',
    instance: instance.id,
    reason: `it has not ended within ${seconds(view.policy.shutdownDelay)} of SIGTERM`,
  });
}

/** `30 s`, `2.5 s`. */
export function seconds(milliseconds: number): string {
  return `${Math.round(milliseconds / 100) / 10} s`;
}
