import { constants } from 'node:fs';
import { access, readdir, realpath } from 'node:fs/promises';
import { delimiter, isAbsolute, join } from 'node:path';

/** The first of that name in the folders of a PATH; null where none has it. */
export async function onPath(program: string, path: string): Promise<string | null> {
  for (const folder of path.split(delimiter).filter(isAbsolute)) {
    const found = join(folder, program);
    if (await canRun(found)) return found;
  }
  return null;
}

/** All of that name in the places beside PATH. */
export async function beside(program: string, places: readonly string[]): Promise<readonly string[]> {
  const folders = (await Promise.all(places.map(foldersLike))).flat();
  const found = await Promise.all(
    folders.map(async (folder) => ((await canRun(join(folder, program))) ? [join(folder, program)] : [])),
  );
  return found.flat();
}

/** Folders that a place with one `*` means: each once, whatever links lead there too. */
async function foldersLike(place: string): Promise<readonly string[]> {
  const parts = place.split('/');
  const at = parts.findIndex((part) => part.includes('*'));
  if (at === -1) return [place];
  const [start = '', end = ''] = (parts[at] ?? '').split('*');
  const above = parts.slice(0, at).join('/');
  const names = await readdir(above).catch(() => []);
  const matching = names.filter((name) => name.startsWith(start) && name.endsWith(end));
  const folders = matching.map((name) => join(above, name, ...parts.slice(at + 1)));
  const real = await Promise.all(folders.map((folder) => realpath(folder).catch(() => null)));
  return [...new Set(real.filter((folder) => folder !== null))];
}

function canRun(path: string): Promise<boolean> {
  return access(path, constants.X_OK).then(
    () => true,
    () => false,
  );
}
