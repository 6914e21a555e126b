/**
 * What became of one field on its way from one tool's declaration to another's. `carried`: it means the same there. `warned`: something differs, and the
 * message says what. `refused`: it did not come along, and the message says why and what to do instead.
 */
export type NoteKind = 'carried' | 'warned' | 'refused';

/** A field where it stands: from 1, and by the name that its own tool gives it (`apps[0].max_memory_restart`). */
export interface Origin {
  readonly file: string;
  readonly field: string;
  readonly line: number;
  readonly column: number;
}

export interface Note extends Origin {
  readonly kind: NoteKind;
  readonly message: string;
}

/** Collects what is to be said while one declaration is converted. */
export class Notes {
  readonly #notes: Note[] = [];
  readonly #handled: Origin[] = [];
  readonly #idle = new Set<Note>();

  carry(origin: Origin, message: string): void {
    this.#add('carried', origin, message);
  }

  warn(origin: Origin, message: string): void {
    this.#add('warned', origin, message);
  }

  /** Worth knowing once, when a file is converted: nothing of what it asks for is lost. */
  mention(origin: Origin, message: string): void {
    const note = this.#add('warned', origin, message);
    if (note !== null) this.#idle.add(note);
  }

  refuse(origin: Origin, message: string): void {
    this.#add('refused', origin, message);
  }

  /** The field was read; what became of it is said elsewhere, or not at all where it asks for what there is anyway. */
  handle(origin: Origin): void {
    this.#handled.push(origin);
  }

  /** Fields that were read and of which nothing was said, nor of what stands in them. */
  unsaid(): readonly Origin[] {
    return this.#handled.filter(({ file, field }) => {
      const inside = (other: string): boolean =>
        other === field || other.startsWith(`${field}.`) || other.startsWith(`${field}[`);
      return !this.#notes.some((note) => note.file === file && inside(note.field));
    });
  }

  /** By file and place; what is said of one field stands in the order in which it was said. */
  all(): readonly Note[] {
    return this.#notes.toSorted(
      (a, b) => (a.file < b.file ? -1 : a.file > b.file ? 1 : 0) || a.line - b.line || a.column - b.column,
    );
  }

  /** What every deploy has to say again: fields that do less than they ask for. */
  losses(): readonly Note[] {
    return this.all().filter((note) => note.kind !== 'carried' && !this.#idle.has(note));
  }

  #add(kind: NoteKind, { file, field, line, column }: Origin, message: string): Note | null {
    if (this.#notes.some((note) => note.kind === kind && note.field === field && note.message === message)) return null;
    const note: Note = { kind, file, field, line, column, message };
    this.#notes.push(note);
    return note;
  }
}

/** `compose.yaml:4:5: services.api.networks: MESSAGE`. */
export function noteLine({ file, line, column, field, message }: Note): string {
  return `${file}:${line}:${column}: ${field === '' ? '' : `${field}: `}${message}`;
}
