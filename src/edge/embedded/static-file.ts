import { close, constants, createReadStream, fstat, open, readlink, realpath } from 'node:fs';
import type { BigIntStats } from 'node:fs';
import type { Readable } from 'node:stream';
import { promisify } from 'node:util';
import { errorCode } from '../../lib/files.ts';
import type { Validators } from './preconditions.ts';
import type { ByteRange } from './ranges.ts';

const openPath = promisify(open);
const statDescriptor = promisify<number, { bigint: true }, BigIntStats>(fstat);
const readLink = promisify(readlink);
const realPath = promisify(realpath);

/** A file that is open: what was looked at is what is sent, whatever happens to its name meanwhile. */
export interface OpenFile {
  readonly kind: 'file';
  readonly size: number;
  readonly validators: Validators;
  /** Reads a part, then closes. At most once, and not after `close`. */
  stream(range: ByteRange): Readable;
  close(): void;
}

export type FoundFile = OpenFile | { readonly kind: 'folder' } | { readonly kind: 'missing' };

/** The folder with its links resolved, or `null` where it is not there. */
export async function resolveRoot(root: string): Promise<string | null> {
  try {
    return await realPath(root);
  } catch {
    return null;
  }
}

/**
 * Opens a regular file below `root` (a resolved path). A link may lead anywhere inside the root: which file it led to is read from the
 * open descriptor (proc(5), /proc/self/fd), so there is no moment between the check and the use. O_NONBLOCK keeps a FIFO from blocking.
 */
export async function openBelow(root: string, path: string): Promise<FoundFile> {
  let descriptor: number;
  try {
    descriptor = await openPath(root + path, constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOCTTY);
  } catch (error) {
    if (isAbsent(errorCode(error))) return { kind: 'missing' };
    throw error;
  }
  try {
    const [stats, real] = await Promise.all([
      statDescriptor(descriptor, { bigint: true }),
      readLink(`/proc/self/fd/${descriptor}`),
    ]);
    if (isBelow(root, real) && stats.isFile()) return openFile(descriptor, stats);
    closeQuietly(descriptor);
    return isBelow(root, real) && stats.isDirectory() ? { kind: 'folder' } : { kind: 'missing' };
  } catch (error) {
    closeQuietly(descriptor);
    throw error;
  }
}

function openFile(descriptor: number, stats: BigIntStats): OpenFile {
  return {
    kind: 'file',
    size: Number(stats.size),
    validators: { etag: etagOf(stats), modified: Number(stats.mtimeNs / 1_000_000_000n) },
    stream: ({ start, end }) =>
      createReadStream('', { fd: descriptor, start, end, autoClose: true, highWaterMark: 64 * 1024 }),
    close: () => closeQuietly(descriptor),
  };
}

/** Another file, another size or another moment (to the nanosecond) is another tag: strong, and the same in every worker. */
function etagOf(stats: BigIntStats): string {
  return `"${stats.ino.toString(36)}-${stats.size.toString(36)}-${stats.mtimeNs.toString(36)}"`;
}

function isBelow(root: string, path: string): boolean {
  return path === root || path.startsWith(root === '/' ? root : `${root}/`);
}

/** A name that leads nowhere, or nowhere for the edge's user; the visitor is not told which. */
function isAbsent(code: string | null): boolean {
  return code !== null && ['ENOENT', 'ENOTDIR', 'ELOOP', 'ENAMETOOLONG', 'EACCES', 'EPERM', 'ENXIO'].includes(code);
}

function closeQuietly(descriptor: number): void {
  close(descriptor, () => undefined);
}
