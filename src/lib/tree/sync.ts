import { constants } from 'node:fs';
import { open, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { exec } from '../exec.ts';
import { syncFolder } from '../files.ts';

/**
 * Puts all that a folder holds on disk. One `syncfs(2)` by way of `sync -f` (coreutils, busybox): for 3,000 fresh files it took 25 ms where
 * an fsync for each took 500. Where there is no such program, an fsync for each.
 */
export async function syncTree(folder: string): Promise<void> {
  const { ok } = await exec('sync', ['-f', '--', folder], { timeout: 120_000 });
  if (!ok) await syncEach(folder);
}

async function syncEach(folder: string): Promise<void> {
  for (const entry of await readdir(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) await syncEach(path);
    else if (entry.isFile()) await syncFile(path);
  }
  await syncFolder(folder);
}

async function syncFile(path: string): Promise<void> {
  await using file = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW);
  await file.sync();
}
