import { randomFillSync } from 'node:crypto';
import { constants } from 'node:fs';
import { open, rename, rm, stat, statfs } from 'node:fs/promises';
import { join } from 'node:path';
import { exec } from '../lib/exec.ts';
import { isMissing } from '../lib/files.ts';
import { bytesText } from '../reconcile/disk-decision.ts';
import type { Disk } from '../reconcile/disk-port.ts';
import type { DataFolder } from './data-folder.ts';

/** Milliseconds that measuring the folders may take: it walks all files of all releases. */
const measuringTime = 10_000;

/** The disk under a data folder. */
export function diskOf(folder: DataFolder): Disk {
  return {
    async space() {
      const { bavail, bsize, blocks, files, ffree } = await statfs(folder.root);
      return { free: bavail * bsize, total: blocks * bsize, freeFiles: files > 0 ? ffree : null };
    },
    async ballast() {
      try {
        return (await stat(folder.ballast)).blocks * 512;
      } catch (error) {
        if (isMissing(error)) return 0;
        throw error;
      }
    },
    async makeBallast(bytes) {
      const part = `${folder.ballast}.part`;
      try {
        await allocate(part, bytes);
        await rename(part, folder.ballast);
      } catch (error) {
        await rm(part, { force: true });
        throw error;
      }
    },
    releaseBallast: () => rm(folder.ballast, { force: true }),
    sizeOf,
    usage: () => usageOf(folder),
  };
}

/** Blocks that are really taken. Where the file system cannot reserve them they are written, with bytes that do not compress. */
async function allocate(path: string, bytes: number): Promise<void> {
  await rm(path, { force: true });
  const file = await open(path, constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL, 0o600);
  try {
    const { ok } = await exec('fallocate', ['-l', String(bytes), '--', path], { timeout: 60_000 });
    if (ok) return;
    // Not `write`, which takes it for done when a part found room.
    const chunk = Buffer.alloc(Math.min(bytes, 1024 * 1024));
    for (let written = 0; written < bytes; written += chunk.length) await file.writeFile(randomFillSync(chunk));
    await file.sync();
  } finally {
    await file.close();
  }
}

/** What a build removes while it is counted is no reason not to. */
async function sizeOf(folders: readonly string[]): Promise<number | null> {
  const counting = ['-c', '-s', '-x', '--block-size=1', '--', ...folders];
  const { stdout, timedOut } = await exec('du', counting, { timeout: measuringTime });
  const total = /^(\d+)\ttotal$/m.exec(stdout)?.[1];
  return timedOut || total === undefined ? null : Number(total);
}

async function usageOf({ root }: DataFolder): Promise<readonly string[]> {
  const names = [
    'releases',
    'disks',
    'homes',
    'sources',
    'git',
    'logs',
    'runs',
    'record',
    'toolchain',
    'edge',
    'edge-nginx',
  ];
  const paths = names.map((name) => join(root, name));
  const { stdout } = await exec('du', ['-s', '-x', '--block-size=1', '--', ...paths], { timeout: measuringTime });
  const sizes = stdout.split('\n').flatMap((line) => {
    const [bytes = '', path = ''] = line.split('\t');
    return path === '' ? [] : [{ name: path.slice(root.length + 1), bytes: Number(bytes) }];
  });
  return sizes.toSorted((a, b) => b.bytes - a.bytes).map(({ name, bytes }) => `${name} ${bytesText(bytes)}`);
}
