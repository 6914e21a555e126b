import { type BuildRecipe, type BuildStep, nothingToBuild } from '../../../model/build-recipe.ts';
import type { BuildAsked } from '../language.ts';
import type { SourceFolder } from '../source-folder.ts';
import { djangoFolders, readDjango } from './django.ts';
import { installPython } from './install.ts';
import { readPythonProject } from './project.ts';
import { inFolder } from './server.ts';
import { surroundPython } from './surroundings.ts';

/** Lines reach the log as they are printed; pip asks nobody. */
const environment: Readonly<Record<string, string>> = {
  PYTHONUNBUFFERED: '1',
  PIP_DISABLE_PIP_VERSION_CHECK: '1',
  PIP_NO_INPUT: '1',
  PIPENV_VENV_IN_PROJECT: '1',
  POETRY_VIRTUALENVS_IN_PROJECT: 'true',
  // A link into the cache would let one release write into another.
  UV_LINK_MODE: 'copy',
};

const caches: Readonly<Record<string, string>> = {
  PIP_CACHE_DIR: 'pip',
  UV_CACHE_DIR: 'uv',
  POETRY_CACHE_DIR: 'poetry',
  PIPENV_CACHE_DIR: 'pipenv',
  PDM_CACHE_DIR: 'pdm',
};

/**
 * The packages of a project in a virtual environment `.venv`, by its lock file, else its list; then the static files of Django. A project without packages
 * runs on the machine's Python. A declared command takes the place of the steps, and finds an environment.
 */
export function buildPython(folder: SourceFolder, { command, start }: BuildAsked): BuildRecipe {
  const installed = installPython(folder, readPythonProject(folder), start);
  const surrounded = command === null ? null : surroundPython(folder, command);
  const [django, ...others] = djangoFolders(folder);
  const single = django === undefined || others.length > 0 ? null : readDjango(folder, django);
  const settings = single?.production ?? null;
  return {
    ...nothingToBuild,
    install: installed.steps,
    build: single?.collectsStatic === true ? [collecting(single.base)] : [],
    before: surrounded?.steps ?? [],
    requires: (surrounded ?? installed).requires,
    path: ['.venv/bin'],
    environment: { ...environment, ...(settings === null ? {} : { DJANGO_SETTINGS_MODULE: settings }) },
    caches,
  };
}

/** Settings that need what only a running service has let it be left out by the variable that other platforms know. */
function collecting(base: string): BuildStep {
  const command = inFolder(base, 'python3 manage.py collectstatic --noinput');
  return {
    title: 'Collecting static files (DISABLE_COLLECTSTATIC=1 leaves it out)',
    command: `[ "\${DISABLE_COLLECTSTATIC:-0}" != 0 ] || { ${command}; }`,
  };
}
