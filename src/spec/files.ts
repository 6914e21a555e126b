/** The part of a source that a declaration is read from: bounded text files by their path from the top, and names of the top folder. */
export interface DeclarationFiles {
  /** Text, or null where there is no such regular file (or it is larger than a declaration can be). */
  read(path: string): string | null;
  /** The first 4 KiB of a regular file of any size, or null where there is none. */
  head(path: string): string | null;
  /** Names in a folder (`.` for the top), sorted; empty where there is none. */
  list(folder: string): readonly string[];
}

/** The files at the top of a source that say what runs, in the order in which they count. */
export const declarationFileNames: readonly string[] = [
  'kapal.yaml',
  'kapal.yml',
  'render.yaml',
  'Procfile',
  'package.json',
];
