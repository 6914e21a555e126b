import { constants } from 'node:fs';
import { open } from 'node:fs/promises';
import { exec } from '../../lib/exec.ts';
import { isMissing } from '../../lib/files.ts';

/** File systems free whole blocks; 4 KiB is the usual one and a multiple of the smaller. */
const block = 4096;

/** Bytes that are freed at a time at least: each time costs a program's start. */
export const freeStep = 1 << 20;

/** `everywhere`: not this file but the machine or its file system cannot do it. */
export type Freed =
  | { readonly kind: 'freed'; readonly upTo: number }
  | { readonly kind: 'impossible'; readonly everywhere: boolean; readonly why: string };

/**
 * Gives the blocks of a file's head back to the file system without touching its length, so that a writer who appends to it for
 * ever never fills the disk: fallocate(2), FALLOC_FL_PUNCH_HOLE. The program opens the file through our own descriptor
 * (proc(5), /proc/PID/fd), for the path may be another file by then. `from` is a multiple of 4096; `upTo` answers how far it is free.
 */
export async function freeHead(path: string, { from, to }: { from: number; to: number }): Promise<Freed> {
  const upTo = Math.floor(to / block) * block;
  try {
    await using file = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
    const own = `/proc/${process.pid}/fd/${file.fd}`;
    const args = ['--punch-hole', '--offset', String(from), '--length', String(upTo - from), own];
    const { ok, missing, stderr } = await exec('fallocate', args, { timeout: 30_000 });
    if (ok) return { kind: 'freed', upTo };
    const why = missing ? 'the program fallocate is missing' : stderr.trim();
    return { kind: 'impossible', everywhere: missing || /not supported/i.test(why), why };
  } catch (error) {
    if (isMissing(error)) return { kind: 'freed', upTo };
    return { kind: 'impossible', everywhere: false, why: error instanceof Error ? error.message : String(error) };
  }
}
