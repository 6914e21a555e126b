import {
  closeSync,
  constants,
  fstatSync,
  openSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  realpathSync,
} from 'node:fs';
import { join } from 'node:path';
import type { DeclarationFiles } from '../../spec/files.ts';

/** No declaration is larger; what claims to be one is not read. Bytes. */
const LARGEST = 1024 * 1024;
const HEAD = 4 * 1024;

/**
 * The files of a folder on this machine, for a command that reads them where they are. A link is followed inside the folder only: which file was opened is
 * asked of the kernel afterwards (proc_pid_fd(5)), so that nobody can exchange it in between.
 */
export function localFiles(folder: string): DeclarationFiles {
  const root = realpathSync(folder);
  const isInside = (path: string): boolean => path === root || path.startsWith(root === '/' ? '/' : `${root}/`);
  return {
    read(path) {
      // A pipe would wait for its writer.
      const file = opened(join(root, path), constants.O_RDONLY | constants.O_NONBLOCK);
      if (file === null) return null;
      try {
        const stats = fstatSync(file);
        if (!stats.isFile() || stats.size > LARGEST || !isInside(readlinkSync(`/proc/self/fd/${file}`))) return null;
        return readFileSync(file, 'utf8');
      } finally {
        closeSync(file);
      }
    },
    head(path) {
      return this.read(path)?.slice(0, HEAD) ?? null;
    },
    list(path) {
      const found = opened(join(root, path), constants.O_RDONLY | constants.O_DIRECTORY);
      if (found === null) return [];
      try {
        const real = readlinkSync(`/proc/self/fd/${found}`);
        return isInside(real) ? readdirSync(`/proc/self/fd/${found}`).toSorted() : [];
      } finally {
        closeSync(found);
      }
    },
  };
}

/** Whatever keeps it from being opened, it is no file of a declaration. */
function opened(path: string, flags: number): number | null {
  try {
    return openSync(path, flags);
  } catch {
    return null;
  }
}
