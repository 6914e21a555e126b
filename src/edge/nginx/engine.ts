import { readdir, readFile } from 'node:fs/promises';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type Code, copyCode } from '../code-copies.ts';

/** Copies Kapal's Lua into the edge's folder, and answers the copy's name there. */
export async function installEngine(folder: string): Promise<string> {
  return copyCode(folder, await readSources(join(dirname(fileURLToPath(import.meta.url)), 'lua')));
}

async function readSources(source: string): Promise<Code> {
  const entries = await readdir(source, { withFileTypes: true, recursive: true });
  const files = new Map<string, Buffer>();
  for (const entry of entries) {
    const path = join(entry.parentPath, entry.name);
    if (entry.isFile() && entry.name.endsWith('.lua'))
      files.set(join('lua', relative(source, path)), await readFile(path));
  }
  return files;
}
