import { randomBytes } from 'node:crypto';
import { constants, type Stats } from 'node:fs';
import { type FileHandle, link, lstat, open, unlink } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { errorCode, isMissing, makeFolder, syncFolder } from '../lib/files.ts';
import { KapalError } from '../model/errors.ts';

/** AES-256. */
export const keyBytes = 32;

/**
 * The key in `folder`/`key`, made once from the system's random source. The folder (0700) and the file (0600) belong to this user and
 * are no links; anything else throws KapalError `state_damaged` saying what is wrong and how it is put right.
 */
export async function loadOrCreateKey(folder: string): Promise<Buffer> {
  await makeFolder(folder, 0o700);
  checkOwnership(folder, await lstat(folder), { folder: true });
  const path = join(folder, 'key');
  return (await readKey(path)) ?? (await createKey(path));
}

async function readKey(path: string): Promise<Buffer | null> {
  try {
    await using file = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
    checkOwnership(path, await file.stat(), { folder: false });
    return await readWhole(path, file);
  } catch (error) {
    if (isMissing(error)) return null;
    if (errorCode(error) === 'ELOOP') throw refused(`${path} is a link`, `Put the key itself at ${path}.`);
    throw error;
  }
}

async function readWhole(path: string, file: FileHandle): Promise<Buffer> {
  const key = await file.readFile();
  if (key.length === keyBytes) return key;
  throw refused(`${path} holds ${key.length} bytes, a key has ${keyBytes}`, 'Restore the key file from your backup.');
}

/** Under a name of its own until it is on disk, then linked: a crash leaves no key or a whole one, and a key that is there is never replaced. */
async function createKey(path: string): Promise<Buffer> {
  const temporary = `${path}.${randomBytes(8).toString('hex')}.tmp`;
  try {
    const flags = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW;
    await using file = await open(temporary, flags, 0o600);
    await file.writeFile(randomBytes(keyBytes));
    await file.sync();
    await link(temporary, path).catch(unlessThere);
  } finally {
    await unlink(temporary).catch(() => undefined);
  }
  await syncFolder(dirname(path));
  const key = await readKey(path);
  if (key === null) throw refused(`${path} vanished while it was made`, 'Start again.');
  return key;
}

function unlessThere(error: unknown): void {
  if (errorCode(error) !== 'EEXIST') throw error;
}

function checkOwnership(path: string, stats: Stats, expected: { folder: boolean }): void {
  const kind = expected.folder ? 'folder' : 'plain file';
  if (expected.folder ? !stats.isDirectory() : !stats.isFile()) {
    throw refused(`${path} is not a ${kind}`, `Move it away and put the ${kind} with the key there.`);
  }
  const user = process.geteuid?.();
  if (user !== undefined && stats.uid !== user) {
    throw refused(`${path} belongs to user ${stats.uid}, Kapal runs as ${user}`, `chown ${user} ${path}`);
  }
  if ((stats.mode & 0o077) !== 0) {
    const mode = (stats.mode & 0o777).toString(8).padStart(4, '0');
    throw refused(
      `${path} can be reached by other users (mode ${mode})`,
      `chmod ${expected.folder ? '700' : '600'} ${path}`,
    );
  }
}

function refused(message: string, hint: string): KapalError {
  return new KapalError('state_damaged', `The key of the secrets is not safe to use: ${message}`, { hint });
}
