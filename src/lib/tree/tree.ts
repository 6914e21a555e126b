import { hash } from 'node:crypto';

/**
 * A tree is what a folder holds, as a value: regular files and symbolic links, no owners, no times, no empty folders. Two trees are
 * equal when their digests are. Paths are relative, `/` between names, without `.` and `..`.
 */
export type TreeEntry = FileEntry | LinkEntry;

export interface FileEntry {
  readonly path: string;
  readonly mode: 'file' | 'executable';
  /** Bytes. */
  readonly size: number;
  /** Lower-case hexadecimal. */
  readonly sha256: string;
}

export interface LinkEntry {
  readonly path: string;
  readonly mode: 'link';
  readonly target: string;
}

const HEAD = 'kapal-tree 1';
const DIGEST = /^sha256-[0-9a-f]{64}$/;

/** Whether a text has the form of a digest, and so is safe as the name of a folder. */
export function isDigest(text: string): boolean {
  return DIGEST.test(text);
}

/** The entries in the one order that digests are made in: by UTF-16 code units of the path. */
export function sortEntries(entries: readonly TreeEntry[]): readonly TreeEntry[] {
  return entries.toSorted((a, b) => (a.path < b.path ? -1 : a.path > b.path ? 1 : 0));
}

/** The canonical text of a tree: one JSON array per line, so that no name can be taken for another. `parseTree` reads it back. */
export function treeText(entries: readonly TreeEntry[]): string {
  const lines = sortEntries(entries).map((entry) =>
    JSON.stringify(
      entry.mode === 'link'
        ? [entry.path, entry.mode, entry.target]
        : [entry.path, entry.mode, entry.size, entry.sha256],
    ),
  );
  return [HEAD, ...lines, ''].join('\n');
}

/** `sha256-` and the hash of the canonical text. */
export function treeDigest(entries: readonly TreeEntry[]): string {
  return textDigest(treeText(entries));
}

/** The digest of a tree whose canonical text is at hand. */
export function textDigest(text: string): string {
  return `sha256-${hash('sha256', text, 'hex')}`;
}

/** The tree of a canonical text. Throws SyntaxError for any other text. */
export function parseTree(text: string): readonly TreeEntry[] {
  const [head, ...lines] = text.split('\n');
  if (head !== HEAD || lines.pop() !== '') throw new SyntaxError('not the text of a tree');
  return lines.map(parseEntry);
}

function parseEntry(line: string): TreeEntry {
  const fields: unknown = JSON.parse(line);
  if (!Array.isArray(fields)) throw new SyntaxError('not an entry of a tree');
  const [path, mode, third, fourth] = fields as readonly unknown[];
  if (typeof path === 'string' && mode === 'link' && typeof third === 'string') return { path, mode, target: third };
  const isFile = mode === 'file' || mode === 'executable';
  if (typeof path === 'string' && isFile && typeof third === 'number' && typeof fourth === 'string') {
    return { path, mode, size: third, sha256: fourth };
  }
  throw new SyntaxError('not an entry of a tree');
}
