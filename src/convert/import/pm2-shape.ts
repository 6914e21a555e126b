import type { Draft } from '../../spec/draft/draft.ts';
import type { ImportInput } from './importer.ts';
import type { Origin } from '../../spec/draft/note.ts';

/** A mapping of a process file. */
export type Pm2Object = Readonly<Record<string, unknown>>;

/** Where a field of a process file stands, as far as its text tells: a program may make its apps in any way. */
export interface Places {
  of(app: number, field: string): Origin;
  variable(app: number, found: { readonly field: string; readonly key: string }): Origin;
  top(field: string): Origin;
}

export interface ReadingApp extends ImportInput {
  readonly draft: Draft;
  readonly places: Places;
  readonly index: number;
  /** It is the only one. */
  readonly alone: boolean;
}

export function isObject(value: unknown): value is Pm2Object {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** What a value of JSON is as a text: a text itself, else as it would be written. */
export function textOf(value: unknown): string {
  return typeof value === 'string' ? value : (JSON.stringify(value) ?? '');
}
