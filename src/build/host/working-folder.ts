import { lstat, realpath } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { isMissing } from '../../lib/files.ts';
import { KapalError } from '../../model/errors.ts';

/**
 * The real path of the build's working folder. The folder belongs to the service's user, so it is checked here that `rootDir` leads nowhere else.
 * Throws KapalError `declaration_invalid`.
 */
export async function workingFolder(folder: string, rootDir: string): Promise<string> {
  try {
    const [top, at] = await Promise.all([realpath(folder), realpath(join(folder, rootDir))]);
    const inside = at === top || !/^\.\.(\/|$)/.test(relative(top, at));
    if (inside && (await lstat(at)).isDirectory()) return at;
  } catch (error) {
    if (!isMissing(error)) throw error;
  }
  throw new KapalError('declaration_invalid', `rootDir ${JSON.stringify(rootDir)} is no folder of the source`, {
    hint: 'Name a folder below the one that is deployed, as in rootDir: apps/web.',
  });
}
