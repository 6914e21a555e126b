import { open, rename, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { isMissing } from '../../lib/files.ts';
import type { EdgeFolder } from './folder.ts';

/** Bytes at which a log is set aside, and how many of them are kept, the one being written included. A worker cuts a log at four times this if nobody does. */
const fileSize = 32 << 20;
const files = 3;

export function errorLog(folder: EdgeFolder): string {
  return join(folder.log, 'error.log');
}

/** Sets logs aside that have grown; answers whether nginx has to open new ones (SIGUSR1). */
export async function rotateLogs(folder: EdgeFolder, limit = fileSize): Promise<boolean> {
  let rotated = false;
  for (const path of [errorLog(folder), join(folder.log, 'access.log')]) {
    if ((await sizeOf(path)) < limit) continue;
    for (let number = files - 1; number > 0; number -= 1)
      await renameIfThere(number === 1 ? path : `${path}.${number - 1}`, `${path}.${number}`);
    rotated = true;
  }
  return rotated;
}

/** How much the error log holds now: for `wordsSince`. */
export async function logSize(folder: EdgeFolder): Promise<number> {
  return sizeOf(errorLog(folder));
}

/** Lines of the error log after so many bytes, of the last 64 KiB. */
export async function wordsSince(folder: EdgeFolder, before: number): Promise<string[]> {
  const file = await open(errorLog(folder), 'r').catch(() => null);
  if (file === null) return [];
  try {
    const { size } = await file.stat();
    const start = Math.max(Math.min(before, size), size - 65_536);
    const { buffer, bytesRead } = await file.read(Buffer.alloc(size - start), 0, size - start, start);
    return buffer
      .toString('utf8', 0, bytesRead)
      .split('\n')
      .filter((line) => line !== '');
  } finally {
    await file.close();
  }
}

async function sizeOf(path: string): Promise<number> {
  try {
    return (await stat(path)).size;
  } catch (error) {
    if (isMissing(error)) return 0;
    throw error;
  }
}

async function renameIfThere(from: string, to: string): Promise<void> {
  try {
    await rename(from, to);
  } catch (error) {
    if (!isMissing(error)) throw error;
  }
}
