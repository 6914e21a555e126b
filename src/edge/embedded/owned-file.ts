import { randomBytes } from 'node:crypto';
import { constants } from 'node:fs';
import { open, rename, unlink } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { syncFolder } from '../../lib/files.ts';
import type { WorkerAccount } from './launch.ts';

export interface OwnedFile {
  readonly content: string | Uint8Array;
  /** Only looked at by a daemon that may give files away; `null`: the daemon's own user. */
  readonly owner: WorkerAccount | null;
}

/** As `writeDurably`, for a secret of the workers: 0600, and theirs before it bears its name. */
export async function writeOwned(path: string, file: OwnedFile): Promise<void> {
  await placeOwned(path, file);
  await syncFolder(dirname(path));
}

/** The same, but the name is durable only after the next `syncFolder`: for many files in one folder. */
export async function placeOwned(path: string, file: OwnedFile): Promise<void> {
  const temporary = join(dirname(path), `.${randomBytes(8).toString('hex')}.tmp`);
  const flags = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW;
  const handle = await open(temporary, flags, 0o600);
  try {
    try {
      await handle.chmod(0o600);
      if (file.owner !== null && process.getuid?.() === 0) await handle.chown(file.owner.uid, file.owner.gid);
      await handle.writeFile(file.content);
      await handle.sync();
    } finally {
      await handle.close();
    }
    await rename(temporary, path);
  } catch (error) {
    await unlink(temporary).catch(() => undefined);
    throw error;
  }
}
