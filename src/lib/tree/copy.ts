import { constants } from 'node:fs';
import { chmod, copyFile, lchown, mkdir, readdir, readlink, symlink } from 'node:fs/promises';
import { join } from 'node:path';

const PARALLEL = 16;

export interface Owner {
  readonly uid: number;
  readonly gid: number;
}

/**
 * Copies a folder that nobody changes meanwhile into one that is made for it (it must not exist) below a folder that only the caller can
 * write to. Links are copied as links, special files are left out, modes are kept. Shares blocks where the file system can (FICLONE).
 */
export async function copyTree(copy: { from: string; to: string; owner: Owner | null }): Promise<void> {
  const found: Found = { folders: [], files: [], links: [] };
  await makeFolders(copy.from, copy.to, found);
  await inParallel(found.files, ([from, to]) =>
    copyFile(from, to, constants.COPYFILE_EXCL | constants.COPYFILE_FICLONE),
  );
  await inParallel(found.links, async ([from, to]) => symlink(await readlink(from), to));
  if (copy.owner !== null) await give(copy.owner, found);
}

type Pair = readonly [from: string, to: string];

interface Found {
  /** Outer ones first. */
  readonly folders: string[];
  readonly files: Pair[];
  readonly links: Pair[];
}

async function makeFolders(from: string, to: string, found: Found): Promise<void> {
  await mkdir(to, { mode: 0o755 });
  // mkdir(2) takes the umask off the mode.
  await chmod(to, 0o755);
  found.folders.push(to);
  for (const entry of await readdir(from, { withFileTypes: true })) {
    const pair = [join(from, entry.name), join(to, entry.name)] as const;
    if (entry.isDirectory()) await makeFolders(...pair, found);
    else if (entry.isFile()) found.files.push(pair);
    else if (entry.isSymbolicLink()) found.links.push(pair);
  }
}

/** Folders last and inner ones first: in a folder that has been given away, its new owner could put a link where we are about to write. */
async function give({ uid, gid }: Owner, found: Found): Promise<void> {
  await inParallel([...found.files, ...found.links], ([, to]) => lchown(to, uid, gid));
  for (const folder of found.folders.toReversed()) await lchown(folder, uid, gid);
}

/** Works on all items, some at a time; the first failure is thrown once all that had begun has ended. */
async function inParallel<T>(items: readonly T[], work: (item: T) => Promise<void>): Promise<void> {
  const queue = items.values();
  const runs = Array.from({ length: PARALLEL }, async () => {
    for (const item of queue) await work(item);
  });
  const failed = (await Promise.allSettled(runs)).find((run) => run.status === 'rejected');
  if (failed !== undefined) throw failed.reason;
}
