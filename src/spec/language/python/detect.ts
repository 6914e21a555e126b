import type { Evidence } from '../language.ts';
import type { SourceFolder } from '../source-folder.ts';
import { isTable, readToml, tableAt } from '../toml.ts';
import { requirementsFile } from './requirements.ts';
import { answers } from './application.ts';

/** Programs of one file, by their usual names. */
export const scripts = ['main.py', 'app.py', 'server.py', 'wsgi.py', 'asgi.py', 'run.py', 'application.py'];

/** By the files that name packages, by manage.py; else by a script that answers requests. */
export function detectPython(folder: SourceFolder): Evidence | null {
  const list = requirementsFile(folder);
  if (list !== null) return { file: folder.nameOf(list), why: 'its packages' };
  const file = folder.firstOf(['Pipfile', 'uv.lock', 'poetry.lock', 'manage.py', 'setup.py']);
  if (file !== null) return { file: folder.nameOf(file), why: 'it is there' };
  if (describesProject(folder)) return { file: folder.nameOf('pyproject.toml'), why: 'its project' };
  const script = scripts.find((name) => answers(folder.read(name) ?? ''));
  return script === undefined ? null : { file: folder.nameOf(script), why: 'a server file' };
}

/** Projects in other languages keep settings of Python's tools in a pyproject.toml: that of a project names it. */
function describesProject(folder: SourceFolder): boolean {
  if (!folder.has('pyproject.toml')) return false;
  const content = readToml(folder, 'pyproject.toml');
  return isTable(content?.['project']) || isTable(tableAt(content, 'tool')['poetry']);
}
