import type { BuildStep } from '../port.ts';
import type { PackageManager, Tool } from './package-manager.ts';

/** What a recipe says of a folder; the builder adds tools and environment. */
export interface Recipe {
  readonly steps: readonly BuildStep[];
  readonly manager: PackageManager | null;
  readonly tools: readonly Tool[];
}

export const nothing: Recipe = { steps: [], manager: null, tools: [] };
