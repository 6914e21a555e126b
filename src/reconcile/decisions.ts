import { releaseFingerprint } from '../plan/fingerprint.ts';
import { plan } from '../plan/plan.ts';
import { retention } from '../release/retention.ts';
import { decide } from '../rollout/decide.ts';
import { observeInstance } from '../rollout/instance.ts';
import { routable } from '../rollout/table.ts';

/**
 * The pure functions by which the reconciler decides. They are an argument like clock and runtime: the simulation gives variants with a fault in them and
 * has to notice (test/simulation).
 */
export interface Decisions {
  readonly decide: typeof decide;
  readonly routable: typeof routable;
  readonly observeInstance: typeof observeInstance;
  readonly retention: typeof retention;
  readonly plan: typeof plan;
  readonly releaseFingerprint: typeof releaseFingerprint;
}

export const decisions: Decisions = { decide, routable, observeInstance, retention, plan, releaseFingerprint };
