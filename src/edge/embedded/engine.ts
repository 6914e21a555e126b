import { readdir, readFile } from 'node:fs/promises';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type Code, copyCode } from '../code-copies.ts';

/** The copy of the edge's code that the workers run. */
export interface Engine {
  readonly folder: string;
  readonly worker: string;
  readonly keeper: string;
}

/** Copies the code that a worker needs into the edge's folder. */
export async function installEngine(edgeFolder: string): Promise<Engine> {
  const source = dirname(dirname(dirname(fileURLToPath(import.meta.url))));
  const folder = join(edgeFolder, await copyCode(edgeFolder, await readSources(source)));
  const here = relative(source, dirname(fileURLToPath(import.meta.url)));
  const extension = import.meta.url.endsWith('.ts') ? 'ts' : 'js';
  return { folder, worker: join(folder, here, `worker.${extension}`), keeper: join(folder, here, 'keeper.sh') };
}

/** What lies here may import: its own folder, the port, model and lib (the layer rules say so). */
async function readSources(source: string): Promise<Code> {
  const files = new Map<string, string | Buffer>([['package.json', '{"type":"module"}\n']]);
  for (const part of ['edge', join('edge', 'embedded'), 'model', 'lib']) {
    const deep = part !== 'edge';
    for (const entry of await readdir(join(source, part), { withFileTypes: true, recursive: deep })) {
      const path = join(entry.parentPath, entry.name);
      if (entry.isFile() && /\.(?:ts|js|sh)$/.test(entry.name)) files.set(relative(source, path), await readFile(path));
    }
  }
  return files;
}
