import type { Spec } from '../../spec/spec.ts';
import type { Note } from '../../spec/draft/note.ts';

/** What the other tool cannot say, by the name of the field here: `api.edge.queue`. */
export type ExportNote = Pick<Note, 'kind' | 'field' | 'message'>;

export interface ExportedFile {
  /** Relative; in the order in which they are to be read. */
  readonly path: string;
  readonly text: string;
}

export interface Exported {
  readonly files: readonly ExportedFile[];
  readonly notes: readonly ExportNote[];
}

/** From a declaration to the files of another tool. No value that may be a secret is in them. */
export type Exporter = (spec: Spec) => Exported;

/** Collects what is to be said. */
export class ExportNotes {
  readonly #notes: ExportNote[] = [];

  warn(field: string, message: string): void {
    this.#add({ kind: 'warned', field, message });
  }

  refuse(field: string, message: string): void {
    this.#add({ kind: 'refused', field, message });
  }

  all(): readonly ExportNote[] {
    return this.#notes;
  }

  /** A service with several domains says it once. */
  #add(note: ExportNote): void {
    const known = this.#notes.some(({ field, message }) => field === note.field && message === note.message);
    if (!known) this.#notes.push(note);
  }
}
