import { archives } from './archives.ts';
import { declarations } from './declarations.ts';
import { deliveries } from './deliveries.ts';
import { givenFolders } from './folders.ts';
import { givenNames } from './names.ts';
import { pushes } from './pushes.ts';
import { remotes } from './remotes.ts';
import type { Group } from './run.ts';
import { remoteUrls } from './urls.ts';

/** All hostile inputs, by the doors that they come by. */
export const inputs: readonly Group[] = [
  archives,
  declarations,
  givenFolders,
  givenNames,
  remoteUrls,
  remotes,
  pushes,
  deliveries,
];
