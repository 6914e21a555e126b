import { createHash, randomBytes } from 'node:crypto';
import { chmod, mkdir, readdir, rename, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { exists } from '../lib/files.ts';

/** Files by their path in the copy. */
export type Code = ReadonlyMap<string, string | Buffer>;

/**
 * Copies code that workers run into the edge's folder, once per content, and answers the copy's name there (`engine-DIGEST`). The edge so keeps working, and
 * restarts its workers, while the checkout is upgraded or removed; and the workers' user can read it even when the checkout is private.
 */
export async function copyCode(folder: string, code: Code): Promise<string> {
  const name = `engine-${digestOf(code)}`;
  if (!(await exists(join(folder, name)))) await write(join(folder, name), code);
  return name;
}

/** Removes the copies that none of these texts names. */
export async function pruneCopies(folder: string, inUse: readonly string[]): Promise<void> {
  for (const name of await readdir(folder)) {
    if (!/^\.?engine-/.test(name) || inUse.some((text) => text.includes(name))) continue;
    await rm(join(folder, name), { recursive: true, force: true });
  }
}

function digestOf(code: Code): string {
  const hash = createHash('sha256');
  for (const [name, content] of [...code].sort(([a], [b]) => (a < b ? -1 : 1)))
    hash.update(`${name}\0${content.length}\0`).update(content);
  return hash.digest('hex').slice(0, 16);
}

/** Whole or not at all: written beside and renamed. Modes are set apart from the umask, for the workers' user must read it. */
async function write(folder: string, code: Code): Promise<void> {
  const beside = join(dirname(folder), `.engine-${randomBytes(6).toString('hex')}`);
  const made = new Set<string>();
  const makeReadable = async (path: string): Promise<void> => {
    if (made.has(path)) return;
    if (path !== beside) await makeReadable(dirname(path));
    made.add(path);
    await mkdir(path);
    await chmod(path, 0o755);
  };
  for (const [name, content] of code) {
    const path = join(beside, name);
    await makeReadable(dirname(path));
    await writeFile(path, content);
    await chmod(path, 0o644);
  }
  await rename(beside, folder);
}
