import { parse, TomlError } from 'smol-toml';
import { KapalError } from '../../model/errors.ts';
import type { SourceFolder } from './source-folder.ts';

export type Table = Readonly<Record<string, unknown>>;

/** A TOML file of a source (https://toml.io/en/v1.0.0); null without it. Throws KapalError `declaration_invalid` with line and column for a damaged one. */
export function readToml(folder: SourceFolder, path: string): Table | null {
  const text = folder.read(path);
  if (text === null) return null;
  try {
    return parse(text.replace(/^\uFEFF/, ''));
  } catch (error) {
    if (!(error instanceof TomlError)) throw error;
    const reason = error.message.split('\n')[0] ?? '';
    throw new KapalError(
      'declaration_invalid',
      `${folder.nameOf(path)}:${error.line}:${error.column}: is not valid TOML (${reason})`,
      { cause: error },
    );
  }
}

/** The table at the end of these keys; empty where there is none. */
export function tableAt(from: Table | null, ...keys: readonly string[]): Table {
  const found = keys.reduce<unknown>((at, key) => (isTable(at) ? at[key] : undefined), from);
  return isTable(found) ? found : {};
}

export function isTable(value: unknown): value is Table {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof Date);
}

export function textIn(table: Table, key: string): string | null {
  const value = table[key];
  return typeof value === 'string' && value.trim() !== '' ? value.trim() : null;
}

export function textsIn(table: Table, key: string): readonly string[] {
  const value = table[key];
  return Array.isArray(value) ? value.filter((one) => typeof one === 'string') : [];
}
