import { type AskedVersion, compatible, filled, toolVersion, versionFile } from '../pinned-version.ts';
import type { SourceFolder } from '../source-folder.ts';
import { readToml, tableAt, textIn } from '../toml.ts';

/** The Python that a project asks for: what pins one stands before what bounds it. Null where nothing asks. */
export function askedPython(folder: SourceFolder): AskedVersion | null {
  return (
    versionFile(folder, '.python-version') ??
    versionFile(folder, 'runtime.txt') ??
    toolVersion(folder, 'python') ??
    fromPipfile(folder) ??
    fromPyproject(folder)
  );
}

/** The name under which the pinned version may be installed beside another: `python3.11`. */
export function namesOf({ range }: AskedVersion): readonly string[] {
  return /^\d+\.\d+$/.test(range) ? [`python${range}`] : [];
}

function fromPipfile(folder: SourceFolder): AskedVersion | null {
  const requires = tableAt(readToml(folder, 'Pipfile'), 'requires');
  const text = textIn(requires, 'python_version') ?? textIn(requires, 'python_full_version');
  const range = /^(\d+\.\d+)/.exec(text ?? '')?.[1];
  return text === null || range === undefined ? null : { range, text, file: folder.nameOf('Pipfile') };
}

function fromPyproject(folder: SourceFolder): AskedVersion | null {
  const content = readToml(folder, 'pyproject.toml');
  const poetry = tableAt(content, 'tool', 'poetry', 'dependencies');
  const text = textIn(tableAt(content, 'project'), 'requires-python') ?? textIn(poetry, 'python');
  const range = text === null ? null : rangeOf(text);
  return text === null || range === null ? null : { range, text, file: folder.nameOf('pyproject.toml') };
}

/** Version specifiers (PEP 440) and poetry's own `^`, `~` and `||` as a range of node-semver. Null for what is not understood, and asks for nothing then. */
export function rangeOf(text: string): string | null {
  const ranges = text.split(/\|\|?/).map(allOf);
  return ranges.includes(null) ? null : ranges.join(' || ');
}

function allOf(text: string): string | null {
  const clauses = text.split(',').map((clause) => clause.trim());
  const found = clauses.filter((clause) => clause !== '' && clause !== '*').map(clauseOf);
  if (found.includes(null)) return null;
  return found.filter((one) => one !== '').join(' ') || '*';
}

function clauseOf(clause: string): string | null {
  const match = /^(~=|===?|!=|<=|>=|<|>|\^|~)?\s*v?(\d+(?:\.\d+){0,2})(\.\*)?$/.exec(clause);
  if (match === null) return null;
  const [, operator = '==', version = ''] = match;
  switch (operator) {
    case '~=':
      return compatible(version);
    case '==':
    case '===':
      return version;
    // One version that is left out: a machine that has just that one fails in pip, by name.
    case '!=':
      return '';
    case '>':
    case '<':
    case '>=':
      return `${operator}${filled(version)}`;
    default:
      return `${operator}${version}`;
  }
}
