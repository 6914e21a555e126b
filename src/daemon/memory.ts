import { readIfThere } from '../lib/files.ts';

/**
 * Bytes of memory of the machine, and what of it programs could have without any being driven out to swap, as `file` tells it (proc_meminfo(5), since
 * Linux 3.14); null where it does not.
 */
export async function availableMemory(
  file = '/proc/meminfo',
): Promise<{ readonly total: number; readonly available: number } | null> {
  const text = (await readIfThere(file)) ?? '';
  const bytes = (name: string): number | null => {
    const found = new RegExp(`^${name}: +(\\d+) kB$`, 'm').exec(text)?.[1];
    return found === undefined ? null : Number(found) * 1024;
  };
  const [total, available] = [bytes('MemTotal'), bytes('MemAvailable')];
  return total === null || available === null || total === 0 ? null : { total, available };
}
