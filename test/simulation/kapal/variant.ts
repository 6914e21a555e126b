import { type Decisions, decisions } from '../../../src/reconcile/decisions.ts';
import type { Dependencies } from '../../../src/reconcile/dependencies.ts';

/** What a planted bug changes: pure functions, or what a life of the daemon is given. `life` counts them, from 1. */
export interface Variant {
  readonly decisions: Decisions;
  readonly needs: (needs: Dependencies, life: number) => Dependencies;
}

/** Kapal as it is. */
export const sound: Variant = { decisions, needs: (needs) => needs };
