import { readFileSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { isMissing } from '../../lib/files.ts';
import { type Hierarchy, setKnob, statField } from './hierarchy.ts';
import type { Mount } from './mounts.ts';

/** cgroup v1: one hierarchy per controller (Linux, Documentation/admin-guide/cgroup-v1). `null` where memory is not mounted. */
export function cgroupV1(mounts: readonly Mount[], install: string): Hierarchy | null {
  const memory = mountOf(mounts, 'memory');
  const cpu = mountOf(mounts, 'cpuacct');
  if (memory === null || cpu === null) return null;
  const pids = mountOf(mounts, 'pids');
  const parents = [join(memory, `kapal-${install}`), join(cpu, `kapal-${install}`)] as const;
  const pidsParent = pids === null ? null : join(pids, `kapal-${install}`);
  const pidsFolder = (run: string): string | null => (pidsParent === null ? null : join(pidsParent, `run-${run}`));
  const memoryFolder = (run: string): string => join(parents[0], `run-${run}`);
  const cpuFolder = (run: string): string => join(parents[1], `run-${run}`);
  return {
    parents: pidsParent === null ? parents : [...parents, pidsParent],
    folders(run) {
      const third = pidsFolder(run);
      return third === null ? [memoryFolder(run), cpuFolder(run)] : [memoryFolder(run), cpuFolder(run), third];
    },
    ceiling(run) {
      const third = pidsFolder(run);
      return third === null ? null : join(third, 'pids.max');
    },
    async create(run, limits) {
      const folder = memoryFolder(run);
      await mkdir(folder, { recursive: true });
      await mkdir(cpuFolder(run), { recursive: true });
      if (limits.memory !== null) await limit(folder, limits.memory);
      const third = pidsFolder(run);
      // A container may be given the memory controller and not this one.
      const bounded = third === null ? false : await bound(third, limits.processes).catch(() => false);
      return {
        memory: folder,
        cpu: cpuFolder(run),
        pids: bounded && third !== null ? third : '',
        oom: join(folder, 'memory.oom_control'),
      };
    },
    usage(run) {
      const stat = readFileSync(join(memoryFolder(run), 'memory.stat'), 'utf8');
      const nanoseconds = Number(readFileSync(join(cpuFolder(run), 'cpuacct.usage'), 'utf8'));
      // rss is anonymous memory only; mapped_file is the rest of what top(1) would show as resident.
      const resident = statField(stat, 'total_rss') + statField(stat, 'total_mapped_file');
      return { residentBytes: resident, cpuMilliseconds: nanoseconds / 1e6 };
    },
  };
}

async function bound(folder: string, processes: number): Promise<boolean> {
  await mkdir(folder, { recursive: true });
  await setKnob(join(folder, 'pids.max'), String(processes));
  return true;
}

/** memsw counts swap too and may only be set after the plain limit; it is absent where swap accounting is off. */
async function limit(folder: string, bytes: number): Promise<void> {
  await setKnob(join(folder, 'memory.limit_in_bytes'), String(bytes));
  await setKnob(join(folder, 'memory.memsw.limit_in_bytes'), String(bytes)).catch((error: unknown) => {
    if (!isMissing(error)) throw error;
  });
}

function mountOf(mounts: readonly Mount[], controller: string): string | null {
  return mounts.find((mount) => mount.type === 'cgroup' && mount.options.includes(controller))?.path ?? null;
}
