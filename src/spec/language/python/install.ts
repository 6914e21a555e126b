import type { BuildStep, ProgramRequirement } from '../../../model/build-recipe.ts';
import type { AskedVersion } from '../pinned-version.ts';
import { quoted, shellPath } from '../../../model/shell.ts';
import type { SourceFolder } from '../source-folder.ts';
import type { PythonProject } from './project.ts';
import { environmentStep, namePython, pythonNeed } from './interpreter.ts';
import { fetching, type Tool } from './tool.ts';
import { askedPython } from './version.ts';

/** How the packages of a project come: steps, and the programs for them. */
export interface Install {
  readonly steps: readonly BuildStep[];
  readonly requires: readonly ProgramRequirement[];
}

/** uv brings the Python that a project asks for; all others take the machine's. */
export function installPython(folder: SourceFolder, project: PythonProject, start: string | null): Install {
  const asked = project.installer.kind === 'uv' ? null : askedPython(folder);
  const steps = stepsOf(project, asked);
  if (steps.length === 0) return { steps: namePython(start, asked), requires: [pythonNeed(asked, false)] };
  return { steps, requires: [pythonNeed(asked, true), ...compilers(project)] };
}

function stepsOf({ installer }: PythonProject, asked: AskedVersion | null): readonly BuildStep[] {
  switch (installer.kind) {
    case 'nothing':
      return [];
    case 'list':
      return pip(`-r ${shellPath(installer.file)}`, asked);
    case 'project':
      return pip('.', asked);
    case 'names':
      return pip(installer.names.map(quoted).join(' '), asked);
    case 'uv':
      return byTool({ tool: 'uv', command: 'uv sync --frozen --no-dev' });
    case 'poetry': {
      const root = installer.hasRoot ? '' : ' --no-root';
      const command = `poetry install --only main --no-interaction${root}`;
      return byTool({ tool: 'poetry', command, ...(installer.isModern ? { atLeast: 2 } : {}) });
    }
    case 'pdm':
      return byTool({ tool: 'pdm', command: 'pdm sync --prod --no-editable' });
    case 'pipenv':
      return byTool({ tool: 'pipenv', command: installer.isLocked ? 'pipenv sync' : 'pipenv install --skip-lock' });
  }
}

function pip(what: string, asked: AskedVersion | null): readonly BuildStep[] {
  return [
    environmentStep(asked),
    { title: `Installing packages (pip install ${what})`, command: `.venv/bin/pip install ${what}` },
  ];
}

function byTool(tool: Tool & { readonly command: string }): readonly BuildStep[] {
  const { command } = tool;
  return [{ title: `Installing packages (${command})`, command: [...fetching(tool), command].join('\n') }];
}

/** Packages that are published as C alone for Linux, and the program that tells their compiler where the library is. */
const compiled: readonly (readonly [name: string, program: string, library: string])[] = [
  ['psycopg2', 'pg_config', 'libpq-dev'],
  ['mysqlclient', 'pkg-config', 'default-libmysqlclient-dev'],
];

function compilers({ packages }: PythonProject): readonly ProgramRequirement[] {
  return compiled
    .filter(([name]) => packages.has(name))
    .map(([name, program, library]) => ({
      kind: 'program',
      program,
      packages: [...new Set([library, program === 'pkg-config' ? program : library]), 'build-essential', 'python3-dev'],
      why: `${name} is compiled when it is installed`,
    }));
}
