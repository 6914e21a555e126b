import { createHash, randomBytes } from 'node:crypto';
import { chmod, mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { exists } from '../../lib/files.ts';

/** The copy of the edge's code that the workers run. */
export interface Engine {
  readonly folder: string;
  readonly worker: string;
  readonly keeper: string;
}

/**
 * Copies the code that a worker needs into the edge's folder, once per content, and answers where it lies. The edge so keeps working
 * (and restarting its workers) while the checkout is upgraded or removed, and its own unprivileged user can read it even when the
 * checkout is private.
 */
export async function installEngine(edgeFolder: string): Promise<Engine> {
  const source = dirname(dirname(dirname(fileURLToPath(import.meta.url))));
  const files = await readSources(source);
  const folder = join(edgeFolder, `engine-${digestOf(files)}`);
  if (!(await exists(folder))) await writeEngine(folder, files);
  const here = relative(source, dirname(fileURLToPath(import.meta.url)));
  const extension = import.meta.url.endsWith('.ts') ? 'ts' : 'js';
  return { folder, worker: join(folder, here, `worker.${extension}`), keeper: join(folder, here, 'keeper.sh') };
}

/** Removes copies that no launch file names any more. */
export async function pruneEngines(edgeFolder: string, inUse: readonly string[]): Promise<void> {
  for (const name of await readdir(edgeFolder)) {
    const folder = join(edgeFolder, name);
    if (!name.startsWith('engine-') && !name.startsWith('.engine-')) continue;
    if (inUse.some((text) => text.includes(folder))) continue;
    await rm(folder, { recursive: true, force: true });
  }
}

type Sources = ReadonlyMap<string, Buffer>;

/** What lies here may import: its own folder, the port, model and lib (the layer rules say so). */
async function readSources(source: string): Promise<Sources> {
  const files = new Map<string, Buffer>();
  for (const part of ['edge', join('edge', 'embedded'), 'model', 'lib']) {
    const deep = part !== 'edge';
    for (const entry of await readdir(join(source, part), { withFileTypes: true, recursive: deep })) {
      const path = join(entry.parentPath, entry.name);
      if (entry.isFile() && /\.(?:ts|js|sh)$/.test(entry.name)) files.set(relative(source, path), await readFile(path));
    }
  }
  return new Map([...files].sort(([a], [b]) => (a < b ? -1 : 1)));
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
  const write = async (name: string, content: string | Buffer): Promise<void> => {
    await makeReadable(dirname(join(beside, name)));
    await writeFile(join(beside, name), content);
    await chmod(join(beside, name), 0o644);
  };
  await write('package.json', '{"type":"module"}\n');
  for (const [name, content] of files) await write(name, content);
  await rename(beside, folder);
}
