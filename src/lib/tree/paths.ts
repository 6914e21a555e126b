import type { TreeEntry } from './tree.ts';

/** How much a tree may hold. Bytes count the contents of all files; depth the names in one path. */
export interface TreeLimits {
  readonly files: number;
  readonly bytes: number;
  readonly depth: number;
}

export const defaultLimits: TreeLimits = { files: 200_000, bytes: 4 * 1024 ** 3, depth: 64 };

/** NAME_MAX and PATH_MAX of Linux (limits.h), the latter with room for the folder that the tree lies in. */
const NAME_BYTES = 255;
const PATH_BYTES = 3_000;

/** Why a path cannot be in a tree, or null where it can. Names are any bytes of UTF-8 but `/`, NUL and `\`: newlines and dashes are names too. */
export function pathFault(path: string, depth = defaultLimits.depth): string | null {
  if (path === '') return 'it is empty';
  if (path.includes('\0')) return 'it holds a NUL character';
  if (path.startsWith('/')) return 'it is absolute';
  // No path separator on Linux, but one for tools that came from Windows: two names for one file.
  if (path.includes('\\')) return 'it holds a backslash';
  if (!path.isWellFormed()) return 'it is not valid Unicode';
  if (Buffer.byteLength(path) > PATH_BYTES) return `it is longer than ${PATH_BYTES} bytes`;
  const names = path.split('/');
  if (names.length > depth) return `it is more than ${depth} folders deep`;
  for (const name of names) {
    const fault = nameFault(name);
    if (fault !== null) return fault;
  }
  return null;
}

function nameFault(name: string): string | null {
  if (name === '') return 'it has an empty name in it';
  if (name === '.' || name === '..') return `it has "${name}" in it`;
  // A program of the build that calls git would take orders from it.
  if (name.toLowerCase() === '.git') return 'it lies in a .git folder';
  if (Buffer.byteLength(name) > NAME_BYTES) return `it has a name longer than ${NAME_BYTES} bytes`;
  return null;
}

/** Targets of links by the path of the link. */
export type Links = ReadonlyMap<string, string>;

export function linksOf(entries: readonly TreeEntry[]): Links {
  const links = new Map<string, string>();
  for (const entry of entries) if (entry.mode === 'link') links.set(entry.path, entry.target);
  return links;
}

/** Links in a row that are followed; as many as Linux does (path_resolution(7)). */
const HOPS = 40;

/**
 * Where a path of a tree leads once all links are followed as the kernel would: a path without links in it, `''` for the top of the
 * tree; `outside` when a step leaves the tree, `loop` when the links never end. What does not exist resolves too: a dangling link is inside.
 */
export function resolve(
  links: Links,
  path: string,
): { readonly path: string } | { readonly fault: 'outside' | 'loop' } {
  const rest = path.split('/').toReversed();
  const at: string[] = [];
  let hops = 0;
  while (rest.length > 0) {
    const name = rest.pop() ?? '';
    if (name === '' || name === '.') continue;
    if (name === '..') {
      if (at.pop() === undefined) return { fault: 'outside' };
      continue;
    }
    const target = links.get([...at, name].join('/'));
    if (target === undefined) at.push(name);
    else if (target.startsWith('/')) return { fault: 'outside' };
    else if (++hops > HOPS) return { fault: 'loop' };
    else rest.push(...target.split('/').toReversed());
  }
  return { path: at.join('/') };
}
