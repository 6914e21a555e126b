import { createHash, randomBytes } from 'node:crypto';
import { chmod, mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { exists } from '../../lib/files.ts';

/**
 * Copies Kapal's Lua into the edge's folder, once per content, and answers the copy's name there (`engine-DIGEST`). The edge so keeps working, and
 * restarts its workers, while the checkout is upgraded or removed; and the workers' user can read it even when the checkout is private.
 */
export async function installEngine(folder: string): Promise<string> {
  const files = await readSources(join(dirname(fileURLToPath(import.meta.url)), 'lua'));
  const name = `engine-${digestOf(files)}`;
  if (!(await exists(join(folder, name)))) await writeEngine(join(folder, name), files);
  return name;
}

/** Removes the copies that none of these texts names. */
export async function pruneEngines(folder: string, inUse: readonly string[]): Promise<void> {
  for (const name of await readdir(folder)) {
    if (!/^\.?engine-/.test(name) || inUse.some((text) => text.includes(name))) continue;
    await rm(join(folder, name), { recursive: true, force: true });
  }
}

type Sources = ReadonlyMap<string, Buffer>;

async function readSources(source: string): Promise<Sources> {
  const entries = await readdir(source, { withFileTypes: true, recursive: true });
  const paths = entries
    .filter((entry) => entry.isFile() && entry.name.endsWith('.lua'))
    .map((entry) => join(entry.parentPath, entry.name));
  const files = new Map<string, Buffer>();
  for (const path of paths.toSorted()) files.set(join('lua', relative(source, path)), await readFile(path));
  return files;
}

function digestOf(files: Sources): string {
  const hash = createHash('sha256');
  for (const [name, content] of files) hash.update(`${name}\0${content.length}\0`).update(content);
  return hash.digest('hex').slice(0, 16);
}

/** Whole or not at all: written beside and renamed. Modes are set apart from the umask, for the workers' user must read it. */
async function writeEngine(folder: string, files: Sources): Promise<void> {
  const beside = join(dirname(folder), `.engine-${randomBytes(6).toString('hex')}`);
  const made = new Set<string>();
  const makeReadable = async (path: string): Promise<void> => {
    if (made.has(path)) return;
    if (path !== beside) await makeReadable(dirname(path));
    made.add(path);
    await mkdir(path);
    await chmod(path, 0o755);
  };
  for (const [name, content] of files) {
    const path = join(beside, name);
    await makeReadable(dirname(path));
    await writeFile(path, content);
    await chmod(path, 0o644);
  }
  await rename(beside, folder);
}
