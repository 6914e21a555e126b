import type { BuildStep, ProgramRequirement } from '../../../model/build-recipe.ts';
import type { AskedVersion } from '../pinned-version.ts';
import { shellWord, type SourceFolder } from '../source-folder.ts';
import type { PythonProject } from './project.ts';
import { askedPython, namesOf } from './version.ts';

/** How the packages of a project come: steps, and the programs for them. */
export interface Install {
  readonly steps: readonly BuildStep[];
  readonly requires: readonly ProgramRequirement[];
}

/** uv brings the Python that a project asks for; all others take the machine's. */
export function installPython(folder: SourceFolder, project: PythonProject): Install {
  const asked = project.installer.kind === 'uv' ? null : askedPython(folder);
  const steps = stepsOf(project, asked);
  return { steps, requires: [python(asked, steps.length > 0), ...compilers(project)] };
}

function stepsOf({ installer }: PythonProject, asked: AskedVersion | null): readonly BuildStep[] {
  switch (installer.kind) {
    case 'nothing':
      return [];
    case 'list':
      return pip(`-r ${shellWord(installer.file)}`, asked);
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
  const names = asked === null ? [] : namesOf(asked);
  const python =
    names.length === 0 ? 'python3' : `"$(${[...names, 'python3'].map((name) => `command -v ${name}`).join(' || ')})"`;
  return [
    // A folder of that name in the source was made by another machine.
    { title: 'Making a virtual environment', command: `${python} -m venv --clear .venv` },
    { title: `Installing packages (pip install ${what})`, command: `.venv/bin/pip install ${what}` },
  ];
}

/**
 * The machine's own tool, else one from the package index, kept in a virtual environment below the service's home: Debian has no uv and no pdm, and its
 * poetry does not read what poetry 2 writes.
 */
function byTool(asked: { readonly tool: string; readonly command: string; readonly atLeast?: number }): BuildStep[] {
  const { tool, command, atLeast } = asked;
  const there =
    atLeast === undefined
      ? `command -v ${tool} >/dev/null`
      : `${tool} --version 2>/dev/null | grep -Eq '[ (]([${atLeast}-9]|[1-9][0-9])\\.'`;
  const text = [
    `if ! ${there}; then`,
    `  tool="$HOME/.cache/kapal-tools/${tool}"`,
    '  if [ ! -e "$tool/ready" ]; then',
    `    echo "${tool} is not installed on this machine: fetching it"`,
    `    python3 -m venv --clear "$tool" && "$tool/bin/pip" install --quiet ${tool} && : >"$tool/ready" || {`,
    `      echo "${tool} could not be fetched: install it on this machine where every user finds it, or let the machine reach the package index" >&2`,
    '      exit 1',
    '    }',
    '  fi',
    '  PATH="$tool/bin:$PATH"',
    'fi',
    command,
  ];
  return [{ title: `Installing packages (${command})`, command: text.join('\n') }];
}

/** `ensurepip` is what Debian has in a package apart, and what a virtual environment is not made without. */
function python(asked: AskedVersion | null, makesEnvironment: boolean): ProgramRequirement {
  const version =
    asked === null
      ? {}
      : {
          version: {
            args: ['--version'],
            range: asked.range,
            said: `${asked.text} (${asked.file})`,
            also: namesOf(asked),
          },
        };
  const part = { args: ['-I', '-c', 'import ensurepip, venv'], name: 'the module ensurepip' };
  return {
    kind: 'program',
    program: 'python3',
    packages: makesEnvironment ? ['python3', 'python3-venv'] : ['python3'],
    why: makesEnvironment ? 'the packages of the project go into a virtual environment' : 'the project is in Python',
    ...version,
    ...(makesEnvironment ? { part } : {}),
  };
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

/** One word of a POSIX shell. */
function quoted(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}
