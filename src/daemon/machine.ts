import { readIfThere } from '../lib/files.ts';
import type { Dependencies } from '../reconcile/dependencies.ts';
import type { DataFolder } from './data-folder.ts';
import { diskOf } from './disk.ts';

/** What of the machine is looked at before work is begun. */
export function machineOf(folder: DataFolder): Pick<Dependencies, 'disk' | 'memory'> {
  return { disk: diskOf(folder), memory: availableMemory };
}

/** Of the machine (proc_meminfo(5)): what programs could have without any being driven out to swap; null where it is not told. */
async function availableMemory(): Promise<{ readonly total: number; readonly available: number } | null> {
  const text = (await readIfThere('/proc/meminfo')) ?? '';
  const bytes = (name: string): number => Number(new RegExp(`^${name}: +(\\d+) kB$`, 'm').exec(text)?.[1] ?? 0) * 1024;
  const [total, available] = [bytes('MemTotal'), bytes('MemAvailable')];
  return total === 0 || available === 0 ? null : { total, available };
}
