import type { Dependencies } from '../reconcile/dependencies.ts';
import type { DataFolder } from './data-folder.ts';
import { diskOf } from './disk.ts';
import { availableMemory } from './memory.ts';

/** What of the machine is looked at before work is begun. */
export function machineOf(folder: DataFolder): Pick<Dependencies, 'disk' | 'memory'> {
  return { disk: diskOf(folder), memory: () => availableMemory() };
}
