import { decide } from '../../../src/rollout/decide.ts';
import type { InstanceView, RolloutView, ServiceView } from '../../../src/rollout/view.ts';

/** The moment of every example. */
export const now = 1_000_000;

/** A ready instance of release 1 that the edge serves, but for what is said. */
export function instance(id: string, said: Partial<InstanceView> = {}): InstanceView {
  return {
    id,
    release: 1,
    state: 'ready',
    since: now - 5_000,
    startedAt: now - 6_000,
    quickExits: 0,
    retryAt: null,
    inTable: said.state === undefined || said.state === 'ready',
    inFlight: null,
    lastExit: null,
    detail: null,
    ...said,
  };
}

/** A service that wants two instances of release 1, but for what is said. */
export function view(said: Partial<ServiceView> = {}): ServiceView {
  return {
    now,
    watchedSince: 0,
    desired: 2,
    routed: true,
    current: 1,
    rollout: null,
    exclusive: false,
    instanceless: [],
    unrouted: [],
    obstacle: null,
    instances: [instance('a'), instance('b')],
    policy: { strategy: 'rolling', maxSurge: 1, startTimeout: 30_000, shutdownDelay: 30_000 },
    ...said,
  };
}

/** A rollout from release 1 to release 2 without preDeployCommand, but for what is said. */
export function rollout(said: Partial<RolloutView> = {}): RolloutView {
  return {
    id: 'r',
    from: 1,
    to: 2,
    phase: 'warming',
    since: now - 1_000,
    prepare: 'absent',
    cancel: 'no',
    failure: null,
    ...said,
  };
}

/** What is decided, in short: `start 2`, `drain a`, `promote 1 to 2`, `phase shifting`, `finish live`. */
export function decided(seen: ServiceView): string[] {
  return decide(seen).actions.map((action) => {
    switch (action.kind) {
      case 'prepare':
      case 'start':
        return `${action.kind} ${action.release}`;
      case 'promote':
        return `promote ${action.from} to ${action.to}`;
      case 'phase':
        return `phase ${action.phase}${action.failure === null ? '' : ` ${action.failure.code}`}`;
      case 'finish':
        return `finish ${action.outcome}`;
      default:
        return `${action.kind} ${action.instance}`;
    }
  });
}
