import type { Language } from './language.ts';
import { buildNode } from './node/build.ts';
import { detectNode } from './node/detect.ts';
import { planNode } from './node/plan.ts';

/**
 * All languages, in the order in which they count where the files of several lie side by side. Node stands last: a package.json is often there for the
 * pages of an application in another language.
 */
export const languages: readonly Language[] = [
  { runtime: 'node', title: 'Node', detect: detectNode, plan: planNode, build: buildNode },
];
