import { randomBytes } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { rmdir } from 'node:fs/promises';
import { setTimeout as pause } from 'node:timers/promises';
import { KapalError } from '../../model/errors.ts';
import { exec } from '../../lib/exec.ts';
import { errorCode, isMissing } from '../../lib/files.ts';
import { cgroupV1 } from './cgroup-v1.ts';
import { cgroupV2 } from './cgroup-v2.ts';
import type { Cgroups, Hierarchy } from './hierarchy.ts';
import { mounts } from './mounts.ts';

/** How long the kernel may take to let go of a cgroup whose last process has ended: rmdir(2) answers EBUSY until then. */
const REMOVAL_DEADLINE = 5_000;

/**
 * The first interface that works, found by making a cgroup, limiting it and entering it once; `null` where none does.
 * Containers and unprivileged daemons often see the files and may not write them, so looking is not enough.
 */
export async function findCgroups(install: string, seen = mounts()): Promise<Cgroups | null> {
  for (const hierarchy of [cgroupV2(seen, install), cgroupV1(seen, install)]) {
    if (hierarchy === null) continue;
    const cgroups = over(hierarchy);
    if (await works(cgroups)) return cgroups;
    await cgroups.tidy();
  }
  return null;
}

async function works(cgroups: Cgroups): Promise<boolean> {
  const trial = `trial-${randomBytes(4).toString('hex')}`;
  try {
    const places = await cgroups.create(trial, { memory: 64 * 1024 * 1024, processes: 64 });
    const enter = 'for folder; do [ -z "$folder" ] || echo 0 >"$folder/cgroup.procs" || exit 1; done';
    const entered = await exec('/bin/sh', ['-c', enter, 'sh', places.memory, places.cpu, places.pids], {
      timeout: 5_000,
    });
    return entered.ok && cgroups.usage(trial) !== null;
  } catch {
    return false;
  } finally {
    await cgroups.remove(trial).catch(() => undefined);
  }
}

function over(hierarchy: Hierarchy): Cgroups {
  return {
    create: (run, limits) => hierarchy.create(run, limits),
    seal(run) {
      const ceiling = hierarchy.ceiling(run);
      if (ceiling === null) return;
      try {
        writeFileSync(ceiling, '0', { flag: 'r+' });
      } catch {
        // It has none, or is gone: what it holds is ended all the same.
      }
    },
    members: (run) => orNull(() => readPids(hierarchy.folders(run)[0])),
    usage: (run) => orNull(() => hierarchy.usage(run)),
    async remove(run) {
      for (const folder of hierarchy.folders(run)) await removeFolder(folder);
    },
    async tidy() {
      for (const parent of hierarchy.parents) await rmdir(parent).catch(() => undefined);
    },
  };
}

function readPids(folder: string): number[] {
  return readFileSync(`${folder}/cgroup.procs`, 'utf8')
    .split('\n')
    .filter((line) => line !== '')
    .map(Number);
}

/** ENODEV is what a cgroup file answers while its folder is being removed. */
function orNull<T>(read: () => T): T | null {
  try {
    return read();
  } catch (error) {
    if (isMissing(error) || errorCode(error) === 'ENODEV') return null;
    throw error;
  }
}

async function removeFolder(folder: string): Promise<void> {
  const deadline = performance.now() + REMOVAL_DEADLINE;
  for (;;) {
    try {
      return await rmdir(folder);
    } catch (error) {
      if (isMissing(error)) return;
      if (errorCode(error) !== 'EBUSY' || performance.now() > deadline) {
        throw new KapalError('runtime_failed', `The cgroup ${folder} cannot be removed`, { cause: error });
      }
    }
    await pause(5);
  }
}
