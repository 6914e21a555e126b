import type { ServerPlan, ServicePlan, Unclear } from '../language.ts';
import { shellPath } from '../../../model/shell.ts';
import type { SourceFolder } from '../source-folder.ts';
import { type Application, findApplication, importsOf, isServer } from './application.ts';
import { scripts } from './detect.ts';
import { djangoFolders } from './django.ts';
import { planDjango } from './django-plan.ts';
import { type PythonProject, readPythonProject } from './project.ts';
import { normalised, type Packages } from './requirements.ts';
import { developmentServer, hasOne, serveAsgi, serveWsgi } from './server.ts';

const asgi = ['fastapi', 'starlette', 'litestar', 'quart', 'channels'];

/** Django, else the app of a framework that brings its own server, else an application for a server, else a program that listens. */
export function planPython(folder: SourceFolder): ServicePlan | Unclear {
  const project = readPythonProject(folder);
  const found = djangoFolders(folder);
  const [django] = found;
  if (django !== undefined && found.length === 1)
    return planDjango(folder, { base: django, packages: project.packages });
  if (found.length > 1) return unclear(`has several Django projects (${found.join(', ')})`);
  return (
    byOwnServer(folder, project) ??
    byApplication(folder, project) ??
    byScript(folder, project) ??
    unclear(
      'does not say how to start: there is no application (as app = Flask(__name__) in app.py or main.py), no manage.py, and no script that listens',
    )
  );
}

/** Streamlit, Gradio: a script is the app, and the library serves it. */
function byOwnServer(folder: SourceFolder, { packages }: PythonProject): ServerPlan | null {
  const streamlit = packages.has('streamlit')
    ? scriptThat(folder, /^\s*(?:import|from) streamlit\b/m, ['streamlit_app.py', 'Home.py', 'dashboard.py'])
    : null;
  if (streamlit !== null) {
    const start = `streamlit run ${shellPath(streamlit)} --server.address $HOST --server.port $PORT --server.headless true`;
    return server({ start, file: folder.nameOf(streamlit), why: 'its Streamlit app' });
  }
  const gradio = packages.has('gradio') ? scriptThat(folder, /^\s*(?:import|from) gradio\b/m, []) : null;
  if (gradio === null) return null;
  const start = `GRADIO_SERVER_NAME=$HOST GRADIO_SERVER_PORT=$PORT python3 ${shellPath(gradio)}`;
  return server({ start, file: folder.nameOf(gradio), why: 'its Gradio app' });
}

function scriptThat(folder: SourceFolder, holds: RegExp, more: readonly string[]): string | null {
  const others = folder.list().filter((name) => name.endsWith('.py'));
  return [...more, ...scripts, ...others].find((name) => holds.test(folder.read(name) ?? '')) ?? null;
}

function byApplication(folder: SourceFolder, project: PythonProject): ServicePlan | Unclear | null {
  const app = findApplication(folder, hasOne(project.packages, asgi) ? 'asgi' : 'wsgi');
  if (app === null) return null;
  const packages = project.packages.size > 0 ? project.packages : imported(folder, app);
  const known = {
    file: folder.nameOf(app.file),
    why: app.isFactory ? `its function ${app.variable}` : `its application ${app.variable}`,
  };
  if (app.kind === 'sanic') {
    const target = `${app.module}:${app.variable}`;
    const factory = app.isFactory ? ' --factory' : '';
    return server({ ...known, start: `sanic ${target}${factory} --host $HOST --port $PORT --single-process` });
  }
  const start = app.kind === 'asgi' ? serveAsgi(packages, app) : serveWsgi(folder, packages, app);
  if (start !== null) return server({ ...known, start });
  const own = app.kind === 'wsgi' ? developmentServer(packages, app) : null;
  if (own !== null) return { ...server({ ...known, start: own.start }), notes: own.note === null ? [] : [own.note] };
  // A script that serves its own application needs no other server.
  return byScript(folder, project) ?? serverless(app);
}

function serverless({ kind, file, variable }: Application): Unclear {
  const [name, packages] = kind === 'asgi' ? ['an ASGI', 'uvicorn'] : ['a WSGI', 'gunicorn'];
  return {
    kind: 'unclear',
    missing: `names no server for ${name} application (${variable} in ${file})`,
    hint: `Add ${packages} to the project's packages, or declare a startCommand in a kapal.yaml: docs/guides/kapal-yaml.md`,
  };
}

/** Without a list of packages, those that are imported: the machine has them. */
function imported(folder: SourceFolder, { file }: Application): Packages {
  return new Map([...importsOf(folder.read(file) ?? '')].map((name) => [normalised(name), []]));
}

function byScript(folder: SourceFolder, { packages }: PythonProject): ServerPlan | null {
  const places = ['', 'src/', 'app/'];
  const file = places
    .flatMap((place) => scripts.map((name) => `${place}${name}`))
    .find((path) => isServer(folder.read(path) ?? ''));
  if (file === undefined) return null;
  const text = folder.read(file) ?? '';
  const notes = /\bPORT\b/.test(text)
    ? []
    : [`${folder.nameOf(file)} does not read the variable PORT: it must listen on the port that PORT names.`];
  const known = { start: `python3 ${shellPath(file)}`, file: folder.nameOf(file), why: 'a script that listens' };
  return { ...server(known), certainty: packages.size > 0 ? 'declared' : 'guessed', notes };
}

function unclear(missing: string): Unclear {
  return {
    kind: 'unclear',
    missing,
    hint: 'Write web: COMMAND into a Procfile, or a kapal.yaml with startCommand (it gets HOST and PORT): docs/guides/kapal-yaml.md',
  };
}

function server(known: Pick<ServerPlan, 'start' | 'file' | 'why'>): ServerPlan {
  return { kind: 'server', rootDir: '.', preDeploy: null, certainty: 'declared', notes: [], ...known };
}
