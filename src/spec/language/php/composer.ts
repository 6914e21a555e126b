import { KapalError } from '../../../model/errors.ts';
import { jsonFaultAt } from '../../yaml/parse.ts';
import type { SourceFolder } from '../source-folder.ts';
import { isTable, tableAt, textIn } from '../toml.ts';

/** What a composer.json says; what it says in a wrong type counts as not said. */
export interface Composer {
  /** Packages that a server needs, with their constraints. */
  readonly packages: ReadonlyMap<string, string>;
  /** `mbstring` of `ext-mbstring`. */
  readonly extensions: readonly string[];
  /** The constraint on `php`. */
  readonly php: string | null;
  /** Something is to be installed, or an autoloader to be made. */
  readonly needsInstall: boolean;
}

/** Null without one. Throws KapalError `declaration_invalid` for a damaged one. */
export function readComposer(folder: SourceFolder): Composer | null {
  const text = folder.read('composer.json');
  if (text === null) return null;
  const content = parsed(text.replace(/^\uFEFF/, ''), folder.nameOf('composer.json'));
  const needs = tableAt(content, 'require');
  const names = Object.keys(needs).map((name) => name.toLowerCase());
  const packages = names.filter((name) => name.includes('/'));
  return {
    packages: new Map(packages.map((name) => [name, textIn(needs, name) ?? '*'])),
    extensions: names.flatMap((name) => /^ext-([a-z][a-z0-9_]*)$/.exec(name)?.[1] ?? []),
    php: textIn(needs, 'php'),
    needsInstall: packages.length > 0 || isTable(content['autoload']),
  };
}

function parsed(text: string, file: string): Readonly<Record<string, unknown>> {
  let content: unknown;
  try {
    content = JSON.parse(text);
  } catch (error) {
    const { line, column } = jsonFaultAt(text);
    throw new KapalError('declaration_invalid', `${file}:${line}:${column}: is not valid JSON`, { cause: error });
  }
  if (isTable(content)) return content;
  throw new KapalError('declaration_invalid', `${file}:1:1: is not a JSON object`);
}
