import { closeSync, constants, fstatSync, openSync, readFileSync, readSync } from 'node:fs';
import { join } from 'node:path';
import { linksOf, resolve } from '../lib/tree/paths.ts';
import type { TreeEntry } from '../lib/tree/tree.ts';
import type { DeclarationFiles } from '../spec/files.ts';

/** No declaration is larger; what claims to be one is not read. Bytes. */
const LARGEST = 1024 * 1024;
const HEAD = 4 * 1024;

/**
 * The files of a stored tree as declarations are read. Which file a path means is decided on the stored list, links included, so that
 * nothing outside the tree is ever opened.
 */
export function storedFiles(folder: string, entries: readonly TreeEntry[]): DeclarationFiles {
  const links = linksOf(entries);
  const sizes = new Map<string, number>();
  for (const entry of entries) if (entry.mode !== 'link') sizes.set(entry.path, entry.size);
  const names = namesByFolder(entries);

  const resolved = (path: string): string | null => {
    const end = resolve(links, path);
    return 'path' in end ? end.path : null;
  };
  return {
    read(path) {
      const file = resolved(path);
      const size = file === null ? undefined : sizes.get(file);
      return file === null || size === undefined || size > LARGEST ? null : readText(join(folder, file));
    },
    head(path) {
      const file = resolved(path);
      return file === null || !sizes.has(file) ? null : readHead(join(folder, file));
    },
    list(path) {
      const at = resolved(path);
      return at === null ? [] : (names.get(at) ?? []);
    },
  };
}

function readText(path: string): string | null {
  const file = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW);
  try {
    return fstatSync(file).size > LARGEST ? null : readFileSync(file, 'utf8');
  } finally {
    closeSync(file);
  }
}

function readHead(path: string): string {
  const file = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW);
  try {
    const buffer = Buffer.alloc(HEAD);
    return buffer.toString('utf8', 0, readSync(file, buffer, 0, HEAD, 0));
  } finally {
    closeSync(file);
  }
}

/** Sorted names of what lies in each folder; `''` is the top. */
function namesByFolder(entries: readonly TreeEntry[]): ReadonlyMap<string, readonly string[]> {
  const names = new Map<string, Set<string>>([['', new Set()]]);
  for (const { path } of entries) {
    for (let end = path.length, start = -1; end !== -1; end = start) {
      start = path.lastIndexOf('/', end - 1);
      const folder = start === -1 ? '' : path.slice(0, start);
      const known = names.get(folder);
      if (known === undefined) names.set(folder, new Set([path.slice(start + 1, end)]));
      else known.add(path.slice(start + 1, end));
    }
  }
  return new Map([...names].map(([folder, found]) => [folder, [...found].toSorted()]));
}
