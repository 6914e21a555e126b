import { mkdir, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { ensureToolchain } from '../src/build/host/toolchain.ts';
import { exec } from '../src/lib/exec.ts';

const kept = fileURLToPath(new URL('../.kapal/test-toolchain', import.meta.url));

/**
 * A toolchain in a folder that is not there yet, from hard links to one that this checkout keeps: a daemon finds it placed. Placing it anew, which is
 * tested for itself, costs a second of processor, most of it for the 2,500 files of npm.
 */
export async function placeToolchain(folder: string): Promise<void> {
  await ensureToolchain({ folder: kept, node: process.execPath });
  await mkdir(dirname(folder), { recursive: true, mode: 0o755 });
  const { ok } = await exec('cp', ['-al', '--', kept, folder], { timeout: 60_000 });
  // Links do not lead to another file system (EXDEV).
  if (!ok) await rm(folder, { recursive: true, force: true });
}
