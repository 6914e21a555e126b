import { createHash, hash } from 'node:crypto';
import { closeSync, lstatSync, openSync, readlinkSync, readSync } from 'node:fs';
import { join } from 'node:path';
import { isMissing } from '../files.ts';
import { type FileEntry, sortEntries, type TreeEntry } from './tree.ts';
import { shown, TreeError } from './tree-error.ts';

const CHUNK = 1024 * 1024;

/** What became of the paths that were to be scanned. */
export interface Scan {
  readonly entries: readonly TreeEntry[];
  /** Paths that are folders: git's submodules and repositories inside the repository. */
  readonly folders: readonly string[];
  /** Sockets, pipes and devices. */
  readonly special: readonly string[];
}

/**
 * The tree that these paths of a folder make; what is not there any more is left out. Reads synchronously, because for thousands of small files
 * that is eight times as fast as the thread pool (3,000 files: 25 ms against 210): for the command line, not for a daemon.
 * Throws TreeError for a file that cannot be read.
 */
export function scanFolder(folder: string, paths: readonly string[]): Scan {
  const scan = { entries: [] as TreeEntry[], folders: [] as string[], special: [] as string[] };
  const buffer = Buffer.allocUnsafe(CHUNK);
  const realParent = parentCheck(folder);
  for (const path of paths) {
    const stats = realParent(path) ? lstatSync(join(folder, path), { throwIfNoEntry: false }) : undefined;
    if (stats === undefined) refuseUndecodable(path);
    else if (stats.isSymbolicLink())
      scan.entries.push({ path, mode: 'link', target: readlinkSync(join(folder, path)) });
    else if (stats.isFile())
      scan.entries.push(hashFile({ folder, path, executable: (stats.mode & 0o111) !== 0 }, buffer));
    else if (stats.isDirectory()) scan.folders.push(path);
    else scan.special.push(path);
  }
  return { ...scan, entries: sortEntries(scan.entries) };
}

/** Whether the folders above a path are real ones: git still lists `lib/a.js` when `lib` was replaced by a link to elsewhere. */
function parentCheck(folder: string): (path: string) => boolean {
  const known = new Map<string, boolean>();
  const isReal = (parent: string): boolean => {
    const before = known.get(parent);
    if (before !== undefined) return before;
    const stats = lstatSync(join(folder, parent), { throwIfNoEntry: false });
    const real = stats?.isDirectory() === true && above(parent);
    known.set(parent, real);
    return real;
  };
  const above = (path: string): boolean => {
    const end = path.lastIndexOf('/');
    return end <= 0 || isReal(path.slice(0, end));
  };
  return above;
}

/** U+FFFD stands where a name was not UTF-8; such a file is not found again under its name. */
function refuseUndecodable(path: string): void {
  if (!path.includes('\uFFFD')) return;
  throw new TreeError('refused', `The name of ${shown(path)} is not valid UTF-8`, {
    hint: 'Rename the file, or list it in .gitignore.',
  });
}

function hashFile(file: { folder: string; path: string; executable: boolean }, buffer: Buffer): FileEntry {
  const mode = file.executable ? 'executable' : 'file';
  try {
    return { path: file.path, mode, ...hashContent(join(file.folder, file.path), buffer) };
  } catch (error) {
    if (isMissing(error)) throw changedWhileRead(file.path, error);
    const reason = error instanceof Error ? error.message : String(error);
    throw new TreeError('failed', `The file ${shown(file.path)} cannot be read: ${reason}`, { cause: error });
  }
}

function hashContent(path: string, buffer: Buffer): { size: number; sha256: string } {
  const file = openSync(path, 'r');
  try {
    const first = readSync(file, buffer);
    if (first < buffer.length) return { size: first, sha256: hash('sha256', buffer.subarray(0, first), 'hex') };
    const hashing = createHash('sha256');
    let size = 0;
    for (let read = first; read > 0; read = readSync(file, buffer)) {
      hashing.update(buffer.subarray(0, read));
      size += read;
    }
    return { size, sha256: hashing.digest('hex') };
  } finally {
    closeSync(file);
  }
}

/** Somebody saves files while they are sent. */
export function changedWhileRead(path: string, cause?: unknown): TreeError {
  return new TreeError('changed', `The file ${shown(path)} changed while it was read`, {
    hint: 'Run the command again when nothing writes into the folder.',
    cause,
  });
}
