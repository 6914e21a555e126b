import { readFileSync } from 'node:fs';
import { mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { isMissing } from '../../lib/files.ts';
import { type Hierarchy, setKnob, statField } from './hierarchy.ts';
import type { Mount } from './mounts.ts';

/**
 * cgroup v2: one hierarchy (Linux, Documentation/admin-guide/cgroup-v2.rst). Ours is a folder at its top, as Docker's cgroupfs driver
 * makes one: below the daemon's own unit, the rule that inner cgroups hold no processes would keep a restarted daemon out.
 * `null` where it is not mounted.
 */
export function cgroupV2(mounts: readonly Mount[], install: string): Hierarchy | null {
  const top = mounts.find((mount) => mount.type === 'cgroup2')?.path;
  if (top === undefined) return null;
  const parent = join(top, `kapal-${install}`);
  const folder = (run: string): string => join(parent, `run-${run}`);
  return {
    parents: [parent],
    folders: (run) => [folder(run)],
    ceiling: (run) => join(folder(run), 'pids.max'),
    async create(run, limits) {
      await mkdir(parent, { recursive: true });
      for (const holder of [top, parent]) {
        await passOn(holder, 'memory');
        await passOn(holder, 'pids').catch(() => undefined);
      }
      await mkdir(folder(run), { recursive: true });
      if (limits.memory !== null) await limit(folder(run), limits.memory);
      const bounded = await setKnob(join(folder(run), 'pids.max'), String(limits.processes)).then(
        () => true,
        () => false,
      );
      const pids = bounded ? folder(run) : '';
      return { memory: folder(run), cpu: '', pids, oom: join(folder(run), 'memory.events') };
    },
    usage(run) {
      const stat = readFileSync(join(folder(run), 'memory.stat'), 'utf8');
      const cpu = readFileSync(join(folder(run), 'cpu.stat'), 'utf8');
      return {
        residentBytes: statField(stat, 'anon') + statField(stat, 'file_mapped'),
        cpuMilliseconds: statField(cpu, 'usage_usec') / 1000,
      };
    },
  };
}

/** Gives the children of a cgroup a controller; refused (ENOENT, EBUSY) where this cgroup has none to give. */
async function passOn(folder: string, controller: 'memory' | 'pids'): Promise<void> {
  const file = join(folder, 'cgroup.subtree_control');
  const enabled = (await readFile(file, 'utf8')).split(/\s+/);
  if (!enabled.includes(controller)) await setKnob(file, `+${controller}`);
}

/** Without swap, and all processes of the run together: half of an instance is of no use to anybody. */
async function limit(folder: string, bytes: number): Promise<void> {
  await setKnob(join(folder, 'memory.max'), String(bytes));
  await writeIfThere(join(folder, 'memory.swap.max'), '0');
  await writeIfThere(join(folder, 'memory.oom.group'), '1');
}

async function writeIfThere(path: string, content: string): Promise<void> {
  await setKnob(path, content).catch((error: unknown) => {
    if (!isMissing(error)) throw error;
  });
}
