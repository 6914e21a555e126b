import type { Exit, InstanceState } from '../model/instance.ts';
import type { Outcome } from '../model/deploy.ts';
import type { ErrorCode } from '../model/errors.ts';

/**
 * What the step machine sees of one service: the record and the observed world, joined by the reconciler. Plain data.
 * All times are milliseconds; moments are since the epoch.
 */
export interface ServiceView {
  readonly now: number;
  /** When the daemon that looks began to: what happened unseen before it is not held against an instance. */
  readonly watchedSince: number;
  /** Instances wanted now: 0 when the service is stopped. */
  readonly desired: number;
  /** Whether instances are reached through the edge: workers are not. */
  readonly routed: boolean;
  /** The release that serves, `null` before the first. */
  readonly current: number | null;
  readonly rollout: RolloutView | null;
  /**
   * The service has what one process group at a time may have, a disk or a port of the machine: what runs is stopped and gone before anything else of the
   * service starts (exclusive.ts). `desired` is at most 1.
   */
  readonly exclusive: boolean;
  /** Why the target of the rollout cannot run here as it is wanted, whatever is tried; null where it can. */
  readonly obstacle: string | null;
  /** Releases of types that have no instances: the edge serves their files by itself. `desired` is not meant for them. */
  readonly instanceless: readonly number[];
  /** Releases whose instances are not reached through the edge, in a service that becomes, or was, one that is `routed`. */
  readonly unrouted: readonly number[];
  readonly instances: readonly InstanceView[];
  readonly policy: RolloutPolicy;
}

export interface RolloutPolicy {
  readonly strategy: 'rolling' | 'blue-green';
  readonly maxSurge: number;
  readonly startTimeout: number;
  readonly shutdownDelay: number;
}

/**
 * A rollout in flight, from the release that served when it began (`null`: none) to its target.
 *
 *   preparing --preDeployCommand succeeded, or none--> warming
 *   preparing | warming --failure, cancel--> aborting            (the target never took traffic)
 *   warming --first target instance ready (all of them for blue-green)--> shifting      (promote: current becomes the target)
 *   shifting --all wanted target instances routed, and nothing else--> finished: live   (the old drains afterwards, as housekeeping)
 *   shifting --third quick exit of a target instance, start time-out, cancel--> withdrawing   (promote back to `from`)
 *   aborting --target instances gone--> finished: failed | cancelled
 *   withdrawing --`from` has its wanted instances routed and the target's are gone--> finished: rolled_back
 */
export interface RolloutView {
  readonly id: string;
  readonly from: number | null;
  readonly to: number;
  readonly phase: RolloutPhase;
  /** When the phase began. */
  readonly since: number;
  /** `absent`: the release declares no preDeployCommand. `wanted`: it has not begun. */
  readonly prepare: 'absent' | 'wanted' | 'running' | 'succeeded' | 'failed';
  readonly cancel: 'no' | 'requested' | 'superseded';
  /** Why it is aborting or withdrawing; null before. */
  readonly failure: RolloutFailure | null;
}

export const rolloutPhases = ['preparing', 'warming', 'shifting', 'aborting', 'withdrawing'] as const;
export type RolloutPhase = (typeof rolloutPhases)[number];

export interface RolloutFailure {
  readonly code: Extract<
    ErrorCode,
    | 'predeploy_failed'
    | 'boot_crashed'
    | 'health_failed'
    | 'port_insisted'
    | 'rollout_regressed'
    | 'cancelled'
    | 'superseded'
  >;
  readonly message: string;
  /** The instance whose last lines belong to the error. */
  readonly instance: string | null;
}

export interface InstanceView {
  readonly id: string;
  readonly release: number;
  readonly state: InstanceState;
  /** When the state began. */
  readonly since: number;
  /** When the present attempt began. */
  readonly startedAt: number;
  /** Exits in a row that came before 10 healthy minutes, and hangs; counted over attempts and replacements. */
  readonly quickExits: number;
  /** For `waiting` and `crash-looping`: when the next attempt is due. */
  readonly retryAt: number | null;
  /**
   * Whether the edge names it. `true`: the confirmed table does, and so does every table sent since. `false`: none of them does.
   * `null`: not known (they differ, or nothing was confirmed since the daemon started): neither good enough to lean on nor to end it.
   * Always false for services that are not routed.
   */
  readonly inTable: boolean | null;
  /** Requests and connections under way at it, read from the edge after it confirmed a table without it; null: not known. */
  readonly inFlight: number | null;
  readonly lastExit: Exit | null;
  /** What the last probe saw, for messages. */
  readonly detail: string | null;
}

/** An action with the reason that the user reads. Applying one twice does no harm. */
export type Action = { readonly reason: string } & (
  | { readonly kind: 'prepare'; readonly release: number }
  /** `setbacks`: the quick exits that the new instance begins with, where it takes the place of one that hung. */
  | {
      readonly kind: 'start';
      readonly release: number;
      readonly setbacks?: number;
      /** Only if no instance of the service is on record: asked twice, or late, it starts nothing beside another. */
      readonly alone?: true;
    }
  | { readonly kind: 'retry'; readonly instance: string }
  /** Take it out of the table; then wait for what is under way. */
  | { readonly kind: 'drain'; readonly instance: string }
  /** SIGTERM to its group. */
  | { readonly kind: 'terminate'; readonly instance: string }
  | { readonly kind: 'kill'; readonly instance: string }
  /** Make `to` the current release if `from` is. */
  | { readonly kind: 'promote'; readonly from: number | null; readonly to: number | null }
  | { readonly kind: 'phase'; readonly phase: RolloutPhase; readonly failure: RolloutFailure | null }
  | {
      readonly kind: 'finish';
      readonly outcome: Exclude<Outcome, 'unchanged'>;
      readonly failure: RolloutFailure | null;
    }
);

/** What to do now, what the edge should serve, and when to look again if nothing happens before (null: no need). */
export interface Decision {
  readonly actions: readonly Action[];
  readonly wakeAt: number | null;
}
