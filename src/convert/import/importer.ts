import type { DeclarationFiles } from '../../spec/files.ts';
import type { Note } from '../../spec/draft/note.ts';

/** What a conversion works from: text alone, read beforehand. */
export interface ImportInput {
  /** The folder as it lies there: what git ignores too, such as env files. */
  readonly files: DeclarationFiles;
  /** What a deploy of the folder would see: the reader judges by it. */
  readonly deployed: DeclarationFiles;
  /** The file that declares, as it is named in the folder. */
  readonly file: string;
  /** The name of the folder as a name of a project. */
  readonly project: string;
  /** Processors of the machine, for what counts them. */
  readonly processors: number;
  /** What the file's own program answered, for files that are programs. */
  readonly evaluated?: unknown;
  /** The absolute path of the folder, for tools that write absolute paths. */
  readonly folder: string;
}

export interface Converted {
  /** The text of a kapal.yaml that the reader takes. */
  readonly declaration: string;
  readonly notes: readonly Note[];
}

export interface Importer {
  /** Names of the file that declares, in the order in which they count. */
  readonly files: readonly string[];
  /** Whether the file is a program that has to be run to know what it says. */
  evaluates(file: string): boolean;
  /** Throws `declaration_invalid` where the file cannot be read, or nothing is left that Kapal takes. */
  convert(input: ImportInput): Converted;
}
