import { lstat, mkdir, readdir } from 'node:fs/promises';
import { dirname } from 'node:path';
import { isMissing } from '../../lib/files.ts';
import { KapalError } from '../../model/errors.ts';

/**
 * Looks at the place at which a folder is to be mounted for runs, in a mount namespace of theirs (mount_namespaces(7)). It must hide nothing, so it is an empty
 * folder or none; and nobody but root may be able to put something else there, for root mounts before it gives its privileges up: so every folder above it
 * is root's, writable by nobody else, and no link. Throws KapalError `mount_refused`. `data` is the data folder.
 */
export async function checkMountPoint(path: string, data: string): Promise<void> {
  if (path === data || path.startsWith(`${data}/`)) throw refused(path, `it lies in Kapal's own data folder`);
  for (const folder of foldersTo(path)) {
    const found = await lstat(folder).catch((error: unknown) => {
      if (isMissing(error)) return null;
      throw error;
    });
    if (found === null) return;
    if (!found.isDirectory()) throw refused(path, `${folder} is ${found.isSymbolicLink() ? 'a link' : 'no folder'}`);
    if (found.uid !== 0 || (found.mode & 0o022) !== 0) throw refused(path, `others than root may change ${folder}`);
  }
  if ((await readdir(path)).length > 0) throw refused(path, 'there are files, which the disk would hide');
}

/** Makes what is missing of it, empty folders of root's, which stay. */
export async function ensureMountPoint(path: string, data: string): Promise<void> {
  await checkMountPoint(path, data);
  await mkdir(path, { recursive: true, mode: 0o755 });
}

/** From the top: `/`, `/var`, `/var/data`. */
function foldersTo(path: string): string[] {
  return path === '/' ? ['/'] : [...foldersTo(dirname(path)), path];
}

function refused(path: string, why: string): KapalError {
  return new KapalError('mount_refused', `the disk cannot be mounted at ${path}: ${why}`, {
    hint: 'Choose a path that is free (disk.mountPath), or a folder of the service, such as "data".',
  });
}
