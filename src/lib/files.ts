import { randomBytes } from 'node:crypto';
import { constants } from 'node:fs';
import { type FileHandle, lstat, mkdir, open, readdir, readFile, rename, rm, unlink } from 'node:fs/promises';
import { dirname, join } from 'node:path';

/**
 * Replaces a file so that after a crash or a power cut it holds the old content or the new, never a part: temporary file, fsync,
 * rename, fsync of the folder (POSIX rename(2), fsync(2)). The folder must exist.
 */
export async function writeDurably(path: string, content: string | Uint8Array, mode = 0o600): Promise<void> {
  const temporary = join(dirname(path), `.${randomBytes(8).toString('hex')}.tmp`);
  const file = await open(
    temporary,
    constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW,
    mode,
  );
  try {
    try {
      await file.writeFile(content);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(temporary, path);
  } catch (error) {
    await unlink(temporary).catch(() => undefined);
    throw error;
  }
  await syncFolder(dirname(path));
}

const temporaryName = /^\.[0-9a-f]{16}\.tmp$/;

/**
 * Removes the temporary files that a process which died in `writeDurably` left in a folder and, where there are such, in the folders right below it. Only for
 * folders that nobody writes to now.
 */
export async function sweepTemporaries(folder: string): Promise<void> {
  const sweep = async (path: string): Promise<readonly string[]> => {
    const entries = await readdir(path, { withFileTypes: true }).catch((error: unknown) => {
      if (isMissing(error)) return [];
      throw error;
    });
    for (const { name } of entries) if (temporaryName.test(name)) await rm(join(path, name), { force: true });
    return entries.flatMap((entry) => (entry.isDirectory() ? [join(path, entry.name)] : []));
  };
  for (const below of await sweep(folder)) await sweep(below);
}

/** Makes renames and creations in a folder durable. */
export async function syncFolder(path: string): Promise<void> {
  const folder: FileHandle = await open(path, constants.O_RDONLY | constants.O_DIRECTORY);
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}

/** The text of a file, or `null` where there is none. Other errors are thrown. */
export async function readIfThere(path: string): Promise<string | null> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    if (isMissing(error)) return null;
    throw error;
  }
}

export async function exists(path: string): Promise<boolean> {
  try {
    await lstat(path);
    return true;
  } catch (error) {
    if (isMissing(error)) return false;
    throw error;
  }
}

export async function makeFolder(path: string, mode = 0o755): Promise<void> {
  await mkdir(path, { recursive: true, mode });
}

/** ENOENT or ENOTDIR: the path names nothing. */
export function isMissing(error: unknown): boolean {
  const code = errorCode(error);
  return code === 'ENOENT' || code === 'ENOTDIR';
}

/** The `code` of a system error (`ENOENT`, `EADDRINUSE`), or `null` for anything else. */
export function errorCode(error: unknown): string | null {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : null;
}
