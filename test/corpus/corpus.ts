import { goProjects } from './go.ts';
import { javaProjects } from './java.ts';
import { nodeServers, nodeVersions } from './node-servers.ts';
import { phpProjects } from './php.ts';
import { pythonProjects } from './python.ts';
import { rubyProjects } from './ruby.ts';
import { rustProjects } from './rust.ts';
import { images, nothing, severalInOne } from './several.ts';
import type { CorpusProject } from './shape.ts';
import { sites } from './sites.ts';

/** All projects, by what they are of. */
export const corpus: readonly (readonly [title: string, projects: readonly CorpusProject[]])[] = [
  ['Node', nodeServers],
  ['Node in its versions', nodeVersions],
  ['static sites', sites],
  ['Python', pythonProjects],
  ['Ruby', rubyProjects],
  ['PHP', phpProjects],
  ['Go', goProjects],
  ['Rust', rustProjects],
  ['Java', javaProjects],
  ['several in one repository', severalInOne],
  ['images', images],
  ['nothing to run', nothing],
];
