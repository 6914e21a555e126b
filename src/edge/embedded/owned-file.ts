import { randomBytes } from 'node:crypto';
import { constants } from 'node:fs';
import { open, rename, unlink } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { syncFolder } from '../../lib/files.ts';
import type { WorkerAccount } from './launch.ts';

/**
 * As `writeDurably`, for a secret of the workers: 0600, and theirs before it bears its name. `owner` is only looked at by a daemon that
 * may give files away; `null`: the daemon's own user.
 */
export async function writeOwned(
  path: string,
  file: { readonly content: string | Uint8Array; readonly owner: WorkerAccount | null },
): Promise<void> {
  const temporary = join(dirname(path), `.${randomBytes(8).toString('hex')}.tmp`);
  const flags = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW;
  const handle = await open(temporary, flags, 0o600);
  try {
    await handle.chmod(0o600);
    if (file.owner !== null && process.getuid?.() === 0) await handle.chown(file.owner.uid, file.owner.gid);
    await handle.writeFile(file.content);
    await handle.sync();
  } catch (error) {
    await unlink(temporary).catch(() => undefined);
    throw error;
  } finally {
    await handle.close();
  }
  await rename(temporary, path);
  await syncFolder(dirname(path));
}
