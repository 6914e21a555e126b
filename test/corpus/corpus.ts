import { goProjects } from './go.ts';
import { javaProjects } from './java.ts';
import { rustProjects } from './rust.ts';
import type { CorpusProject } from './shape.ts';

/** All projects, by what they are of. */
export const corpus: readonly (readonly [title: string, projects: readonly CorpusProject[]])[] = [
  ['Go', goProjects],
  ['Rust', rustProjects],
  ['Java', javaProjects],
];
