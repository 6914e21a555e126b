import { cpSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import type * as Embedded from '../../src/edge/embedded/driver.ts';
import type * as Nginx from '../../src/edge/nginx/driver.ts';

const checkout = fileURLToPath(new URL('../..', import.meta.url));
const source = join(checkout, 'src');

/** A file of the next version, by its path below `src`, and what becomes of its text. */
export type Changes = Readonly<Record<string, (text: string) => string>>;

/** Every part of an engine that a daemon hands to its edge, with a comment more. */
export function commented(word: string): Changes {
  return {
    'edge/embedded/worker.ts': (text) => `${text}// ${word}\n`,
    'edge/embedded/keeper.sh': (text) => `${text}# ${word}\n`,
    'edge/nginx/lua/kapal/boot.lua': (text) => `-- ${word}\n${text}`,
  };
}

/** The drivers of another version of Kapal: a copy of the source with changes, below `folder`. */
export async function versionWith(
  folder: string,
  changes: Changes,
): Promise<{ readonly embedded: typeof Embedded; readonly nginx: typeof Nginx }> {
  writeVersion(folder, changes);
  const load = async (path: string): Promise<unknown> => import(pathToFileURL(join(folder, 'src', path)).href);
  return {
    // The copy has the types of what it is a copy of.
    embedded: (await load('edge/embedded/driver.ts')) as typeof Embedded,
    nginx: (await load('edge/nginx/driver.ts')) as typeof Nginx,
  };
}

/** A checkout at `folder`, with the launcher. */
export function writeVersion(folder: string, changes: Changes): void {
  for (const name of ['src', 'kapal', 'package.json', 'package-lock.json'])
    cpSync(join(checkout, name), join(folder, name), { recursive: true, preserveTimestamps: true });
  symlinkSync(join(checkout, 'node_modules'), join(folder, 'node_modules'));
  for (const [path, change] of Object.entries(changes))
    writeFileSync(join(folder, 'src', path), change(readFileSync(join(source, path), 'utf8')));
}
