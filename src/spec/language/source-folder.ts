import type { DeclarationFiles } from '../files.ts';

/** One folder of a source, as languages look at it. Paths are relative to it; `nameOf` says them as people know them, from the top. */
export class SourceFolder {
  /** From the top of the source; `.` for the top itself. */
  readonly path: string;
  readonly #files: DeclarationFiles;

  constructor(files: DeclarationFiles, path = '.') {
    this.#files = files;
    this.path = path;
  }

  /** Text of a file, or null where there is none that is as small as a declaration. */
  read(path: string): string | null {
    return this.#files.read(this.nameOf(path));
  }

  /** The first 4 KiB of a file of any size; null where there is none. */
  head(path: string): string | null {
    return this.#files.head(this.nameOf(path));
  }

  /** Names in the folder, or in one below it; sorted, empty where there is none. */
  list(path = '.'): readonly string[] {
    return this.#files.list(this.nameOf(path));
  }

  /** Whether a file or folder is there, by the list of what surrounds it. */
  has(path: string): boolean {
    const border = path.lastIndexOf('/');
    return this.list(border === -1 ? '.' : path.slice(0, border)).includes(path.slice(border + 1));
  }

  /** The first of these that is there. */
  firstOf(paths: readonly string[]): string | null {
    return paths.find((path) => this.has(path)) ?? null;
  }

  nameOf(path: string): string {
    if (path === '.' || path === '') return this.path;
    return this.path === '.' ? path : `${this.path}/${path}`;
  }

  /** A folder below. */
  below(path: string): SourceFolder {
    return new SourceFolder(this.#files, this.nameOf(path));
  }

  /** The folder around it; null for the top. */
  above(): SourceFolder | null {
    if (this.path === '.') return null;
    const border = this.path.lastIndexOf('/');
    return new SourceFolder(this.#files, border === -1 ? '.' : this.path.slice(0, border));
  }
}

/** A path that stays in the folder that it is counted from. */
export function isInside(path: string): boolean {
  return !path.startsWith('/') && !path.split('/').includes('..') && !/\p{Cc}/u.test(path);
}
