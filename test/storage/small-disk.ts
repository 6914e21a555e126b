import { spawnSync } from 'node:child_process';
import { closeSync, mkdirSync, openSync, rmSync, statfsSync, writeSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { errorCode } from '../../src/lib/files.ts';
import { exec } from '../../src/lib/exec.ts';

/**
 * How a disk comes to its end. `memory`: a tmpfs, which refuses the write itself (ENOSPC). `loop`: a file system on a sparse file in a tmpfs that is full:
 * writes are taken and fail later, when they reach the disk, so that fsync(2) says so and pages are lost.
 */
export type DiskKind = 'memory' | 'loop';

const page = 4_096;

/** A small file system of the test's own. Only in a mount namespace of its own: it is unmounted by nobody else. */
export class SmallDisk implements AsyncDisposable {
  readonly path: string;
  readonly #backing: string;
  readonly #filler: string;
  readonly #device: string | null;

  private constructor(parts: { path: string; backing: string; device: string | null }) {
    this.path = parts.path;
    this.#backing = parts.backing;
    this.#filler = join(parts.backing, parts.device === null ? '.filler' : 'filler');
    this.#device = parts.device;
  }

  /** At `path`, which is made. */
  static async mount(path: string, { kind, mebibytes }: { kind: DiskKind; mebibytes: number }): Promise<SmallDisk> {
    mkdirSync(path, { recursive: true });
    const size = `size=${mebibytes}m,mode=755`;
    if (kind === 'memory') {
      await ran('mount', ['-t', 'tmpfs', '-o', size, 'none', path]);
      return new SmallDisk({ path, backing: path, device: null });
    }
    const backing = join(dirname(path), 'backing');
    mkdirSync(backing);
    await ran('mount', ['-t', 'tmpfs', '-o', size, 'none', backing]);
    const image = join(backing, 'image');
    await ran('truncate', ['-s', `${mebibytes * 4}M`, image]);
    // Without a journal: one that cannot be written would end the file system for good.
    await ran('mkfs.ext4', ['-q', '-O', '^has_journal', '-E', 'nodiscard', image]);
    const device = (await ran('losetup', ['--find', '--show', image])).trim();
    await ran('mount', ['-o', 'errors=continue,discard', device, path]);
    await ran('chmod', ['755', path]);
    return new SmallDisk({ path, backing, device });
  }

  /** Pages that can still be written. */
  get free(): number {
    const { bavail, bsize } = statfsSync(this.#backing);
    return Math.floor((bavail * bsize) / page);
  }

  /** Takes all but so many pages. */
  fill(pages: number): void {
    // Blocks that were written before would be there still: on a disk without room they would be room.
    if (this.#device !== null) spawnSync('fstrim', [this.path]);
    const file = openSync(this.#filler, 'a');
    try {
      for (const size of [256, 1]) {
        const block = Buffer.alloc(size * page, 1);
        while (this.free >= pages + size) writeSync(file, block);
      }
    } catch (error) {
      // Somebody else took the last of it.
      if (errorCode(error) !== 'ENOSPC') throw error;
    } finally {
      closeSync(file);
    }
  }

  release(): void {
    rmSync(this.#filler, { force: true });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.release();
    await exec('umount', ['-R', '-l', this.path]);
    if (this.#device === null) return;
    await exec('losetup', ['-d', this.#device]);
    await exec('umount', ['-l', this.#backing]);
  }
}

async function ran(program: string, args: readonly string[]): Promise<string> {
  const { ok, stdout, stderr } = await exec(program, args, { timeout: 60_000 });
  if (!ok) throw new Error(`${program} ${args.join(' ')}: ${stderr}`);
  return stdout;
}
