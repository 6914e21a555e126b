import { KapalError } from '../model/errors.ts';
import type { Warning } from './spec.ts';

/** Where something stands in a file: from 1, and its path there (`services[0].name`, empty for the whole file). */
export interface Place {
  readonly line: number;
  readonly column: number;
  readonly path: string;
}

/** One thing that was found, for who does more with it than print it. */
export interface Finding {
  readonly place: Place;
  readonly message: string;
  /** The path that was meant, where that is another than the one that stands there. */
  readonly meant?: string | undefined;
  /** What stands there was read past. */
  readonly ignored?: true;
}

/** Problems listed in one error; whoever has more mends these first. */
const LISTED = 40;

/** Collects what is wrong and what is worth knowing while one file is read, so that the user sees all of it at once. */
export class Report {
  readonly file: string;
  readonly #problems: Finding[] = [];
  readonly #warnings: Finding[] = [];

  constructor(file: string) {
    this.file = file;
  }

  refuse(place: Place, message: string, meant?: string): void {
    this.#problems.push({ place, message, meant });
  }

  warn(place: Place, message: string): void {
    this.#warnings.push({ place, message });
  }

  /** What stands there has no effect, for the reason that `why` says. */
  ignore(place: Place, why: string): void {
    this.#warnings.push({ place, message: `is ignored: ${why}`, ignored: true });
  }

  /** In the order of the file. */
  get problems(): readonly Finding[] {
    return this.#problems.toSorted(byPlace);
  }

  /** In the order of the file. */
  get remarks(): readonly Finding[] {
    return this.#warnings.toSorted(byPlace);
  }

  get sound(): boolean {
    return this.#problems.length === 0;
  }

  /** Whether something in that part of the file, or meant for it, was refused already: what follows from it is not said again. */
  refusedBelow(path: string): boolean {
    return this.#problems.some(
      ({ place, meant }) => isBelow(place.path, path) || (meant !== undefined && isBelow(meant, path)),
    );
  }

  /** In the order of the file. */
  warnings(): readonly Warning[] {
    return this.remarks.map(({ place, message }) => ({
      message: withPath(place, message),
      file: this.file,
      line: place.line,
      column: place.column,
    }));
  }

  /** Throws `declaration_invalid` with every problem, one on each line: `kapal.yaml:7:5: services[0].name: is missing`. */
  throwProblems(): void {
    if (this.sound) return;
    const lines = this.problems.map(
      ({ place, message }) => `${this.file}:${place.line}:${place.column}: ${withPath(place, message)}`,
    );
    const more = lines.length - LISTED;
    const shown = more > 0 ? [...lines.slice(0, LISTED), `and ${more} more`] : lines;
    throw new KapalError('declaration_invalid', shown.join('\n'), {
      hint: 'docs/guides/kapal-yaml.md lists every field and what it takes.',
    });
  }
}

/** A user's text inside a message: quoted, bounded, with nothing that would move the cursor or turn the line around. */
export function shown(text: string): string {
  const bounded = text.length > 60 ? `${text.slice(0, 57)}...` : text;
  return JSON.stringify(bounded).replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/gu, (character) => escaped(character));
}

/** For names that stand in a message without quotes. */
export function plainly(text: string): string {
  return /^[\w.@/*-]{1,60}$/.test(text) ? text : shown(text);
}

function escaped(character: string): string {
  return `\\u${(character.codePointAt(0) ?? 0).toString(16).padStart(4, '0')}`;
}

function isBelow(path: string, top: string): boolean {
  return path === top || path.startsWith(`${top}.`) || path.startsWith(`${top}[`);
}

function withPath(place: Place, message: string): string {
  return place.path === '' ? message : `${place.path}: ${message}`;
}

function byPlace(a: Finding, b: Finding): number {
  return a.place.line - b.place.line || a.place.column - b.place.column;
}
