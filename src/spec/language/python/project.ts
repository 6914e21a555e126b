import type { SourceFolder } from '../source-folder.ts';
import { isTable, readToml, type Table, tableAt, textIn, textsIn } from '../toml.ts';
import {
  hasRequirements,
  normalised,
  type Packages,
  readRequirements,
  requirement,
  requirementsFile,
} from './requirements.ts';

/** Who installs the packages of a project, by what is there. */
export type Installer =
  | { readonly kind: 'uv' }
  | { readonly kind: 'poetry'; readonly hasRoot: boolean; readonly isModern: boolean }
  | { readonly kind: 'pipenv'; readonly isLocked: boolean }
  | { readonly kind: 'pdm' }
  /** `pip install -r FILE`. */
  | { readonly kind: 'list'; readonly file: string }
  /** `pip install .`: the project says how it is built. */
  | { readonly kind: 'project'; readonly file: string }
  /** The dependencies of a pyproject.toml that does not. */
  | { readonly kind: 'names'; readonly names: readonly string[] }
  | { readonly kind: 'nothing' };

export interface PythonProject {
  readonly installer: Installer;
  readonly packages: Packages;
  /** The file that names its packages, for messages; null where none does. */
  readonly file: string | null;
}

/** Throws `declaration_invalid` for a damaged pyproject.toml or Pipfile. */
export function readPythonProject(folder: SourceFolder): PythonProject {
  const pyproject = readToml(folder, 'pyproject.toml');
  const pipfile = readToml(folder, 'Pipfile');
  const list = requirementsFile(folder);
  const packages = new Map([
    ...(list === null ? [] : readRequirements(folder, list)),
    ...named(textsIn(tableAt(pyproject, 'project'), 'dependencies')),
    ...keys(tableAt(pyproject, 'tool', 'poetry', 'dependencies')),
    ...keys(tableAt(pipfile, 'packages')),
    ...setupPackages(folder),
  ]);
  packages.delete('python');
  const file = list ?? folder.firstOf(['pyproject.toml', 'Pipfile', 'setup.py', 'setup.cfg']);
  return { installer: installerOf(folder, { pyproject, list }), packages, file };
}

/** A lock file decides, then a list of packages, then what describes the project. */
function installerOf(
  folder: SourceFolder,
  { pyproject, list }: { readonly pyproject: Table | null; readonly list: string | null },
): Installer {
  const usesPoetry = isTable(tableAt(pyproject, 'tool')['poetry']);
  if (folder.has('uv.lock') && pyproject !== null) return { kind: 'uv' };
  if (folder.has('poetry.lock') && pyproject !== null) return poetry(folder, pyproject);
  if (folder.has('pdm.lock') && pyproject !== null) return { kind: 'pdm' };
  if (folder.has('Pipfile.lock') && folder.has('Pipfile')) return { kind: 'pipenv', isLocked: true };
  if (list !== null && hasRequirements(folder, list)) return { kind: 'list', file: list };
  if (usesPoetry && pyproject !== null && textIn(tableAt(pyproject, 'tool', 'poetry'), 'name') !== null)
    return poetry(folder, pyproject);
  if (folder.has('Pipfile')) return { kind: 'pipenv', isLocked: false };
  if (list === null && pyproject !== null) return described(pyproject);
  if (list === null && folder.has('setup.py')) return { kind: 'project', file: 'setup.py' };
  return { kind: 'nothing' };
}

function described(pyproject: Table): Installer {
  if (isTable(pyproject['build-system']) && isTable(pyproject['project']))
    return { kind: 'project', file: 'pyproject.toml' };
  const names = textsIn(tableAt(pyproject, 'project'), 'dependencies');
  return names.length === 0 ? { kind: 'nothing' } : { kind: 'names', names };
}

/** Poetry refuses to install a project whose package it does not find: an application that is none. */
function poetry(folder: SourceFolder, pyproject: Table): Installer {
  const settings = tableAt(pyproject, 'tool', 'poetry');
  const project = tableAt(pyproject, 'project');
  const name = (textIn(project, 'name') ?? textIn(settings, 'name') ?? '').toLowerCase().replaceAll(/[-. ]/g, '_');
  const isThere = name !== '' && folder.firstOf([name, `src/${name}`, `${name}.py`, `src/${name}.py`]) !== null;
  const hasRoot = settings['package-mode'] !== false && (isThere || Array.isArray(settings['packages']));
  return { kind: 'poetry', hasRoot, isModern: textIn(project, 'name') !== null };
}

function named(texts: readonly string[]): readonly (readonly [string, readonly string[]])[] {
  return texts.flatMap((text) => {
    const found = requirement(text.trim());
    return found === null ? [] : [[found.name, found.extras] as const];
  });
}

/** Poetry and pipenv name packages by key; extras stand in an inner table. */
function keys(table: Table): readonly (readonly [string, readonly string[]])[] {
  return Object.entries(table).map(([name, value]) => [
    normalised(name),
    isTable(value) ? textsIn(value, 'extras').map((one) => one.toLowerCase()) : [],
  ]);
}

/** A setup.py is a program: the texts of its list are read, what it computes is not. */
function setupPackages(folder: SourceFolder): readonly (readonly [string, readonly string[]])[] {
  const text = folder.read('setup.py') ?? '';
  const list = /install_requires\s*=\s*\[([^\]]*)\]/.exec(text)?.[1] ?? '';
  return named([...list.matchAll(/["']([^"'\n]+)["']/g)].map(([, one = '']) => one));
}
