import { goProjects } from './go.ts';
import { javaProjects } from './java.ts';
import { nodeServers, nodeVersions } from './node-servers.ts';
import { rustProjects } from './rust.ts';
import { images, nothing, severalInOne } from './several.ts';
import type { CorpusProject } from './shape.ts';
import { sites } from './sites.ts';

/** All projects, by what they are of. */
export const corpus: readonly (readonly [title: string, projects: readonly CorpusProject[]])[] = [
  ['Node', nodeServers],
  ['Node in its versions', nodeVersions],
  ['static sites', sites],
  ['Go', goProjects],
  ['Rust', rustProjects],
  ['Java', javaProjects],
  ['several in one repository', severalInOne],
  ['images', images],
  ['nothing to run', nothing],
];
