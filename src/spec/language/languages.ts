import { buildGo } from './go/build.ts';
import { detectGo } from './go/detect.ts';
import { planGo } from './go/plan.ts';
import { buildJava } from './java/build.ts';
import { detectJava } from './java/detect.ts';
import { planJava } from './java/plan.ts';
import type { Runtime } from '../spec.ts';
import type { Language } from './language.ts';
import { buildNode } from './node/build.ts';
import { detectNode } from './node/detect.ts';
import { planNode } from './node/plan.ts';
import { buildPhp } from './php/build.ts';
import { detectPhp } from './php/detect.ts';
import { planPhp } from './php/plan.ts';
import { buildPython } from './python/build.ts';
import { detectPython } from './python/detect.ts';
import { planPython } from './python/plan.ts';
import { buildRuby } from './ruby/build.ts';
import { detectRuby } from './ruby/detect.ts';
import { planRuby } from './ruby/plan.ts';
import { buildRust } from './rust/build.ts';
import { detectRust } from './rust/detect.ts';
import { planRust } from './rust/plan.ts';

/**
 * All languages, in the order in which they count where the files of several lie side by side. Node stands last: a package.json is often there for the
 * pages of an application in another language.
 */
export const languages: readonly Language[] = [
  { runtime: 'python', title: 'Python', detect: detectPython, plan: planPython, build: buildPython },
  { runtime: 'ruby', title: 'Ruby', detect: detectRuby, plan: planRuby, build: buildRuby },
  { runtime: 'php', title: 'PHP', detect: detectPhp, plan: planPhp, build: buildPhp },
  { runtime: 'go', title: 'Go', detect: detectGo, plan: planGo, build: buildGo },
  { runtime: 'rust', title: 'Rust', detect: detectRust, plan: planRust, build: buildRust },
  { runtime: 'java', title: 'Java', detect: detectJava, plan: planJava, build: buildJava },
  { runtime: 'node', title: 'Node', detect: detectNode, plan: planNode, build: buildNode },
];

/** What `runtime` may say. */
export const runtimes: readonly Runtime[] = [...languages.map(({ runtime }) => runtime), 'static'].toSorted();
