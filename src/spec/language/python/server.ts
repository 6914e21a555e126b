import { shellPath } from '../../../model/shell.ts';
import type { SourceFolder } from '../source-folder.ts';
import type { Application } from './application.ts';
import type { Packages } from './requirements.ts';

/** A command that serves an application, and what to say of it. */
export interface Serving {
  readonly start: string;
  readonly note: string | null;
}

/** What a server is asked to serve, as it names it: `shop.wsgi`, or `app:create_app()`. */
export interface Served {
  readonly module: string;
  readonly variable: string;
  readonly isFactory: boolean;
  readonly base: string;
}

export function hasOne(packages: Packages, names: readonly string[]): boolean {
  return names.some((name) => packages.has(name));
}

/** `fastapi[standard]` brings uvicorn along, `channels[daphne]` daphne. */
function hasServer(packages: Packages, name: string): boolean {
  if (packages.has(name)) return true;
  if (name === 'uvicorn') return ['standard', 'all'].some((extra) => packages.get('fastapi')?.includes(extra) === true);
  return name === 'daphne' && packages.get('channels')?.includes('daphne') === true;
}

/** By the server that the project depends on; null where it has none for WSGI. */
export function serveWsgi(folder: SourceFolder, packages: Packages, app: Served): string | null {
  const { module, variable, base } = app;
  const target = app.isFactory ? `'${module}:${variable}()'` : `${module}:${variable}`;
  if (packages.has('gunicorn')) {
    const place = base === '.' ? '' : ` --chdir ${base}`;
    return `gunicorn ${target}${place} --bind $HOST:$PORT${gunicornShape(folder, packages)}`;
  }
  if (packages.has('waitress')) {
    const word = app.isFactory ? `--call ${module}:${variable}` : target;
    return inFolder(base, `waitress-serve --listen=$HOST:$PORT ${word}`);
  }
  if (packages.has('uwsgi')) {
    const callable = app.isFactory ? `'${variable}()'` : variable;
    const word = `uwsgi --http-socket $HOST:$PORT --master --die-on-term --need-app --processes \${WEB_CONCURRENCY:-2} --threads 4`;
    return inFolder(base, `${word} --module ${module} --callable ${callable}`);
  }
  return null;
}

/** Two processes of four threads answer while one waits, and hold little memory; more of them are instances. Its own file of settings has the last word. */
function gunicornShape(folder: SourceFolder, packages: Packages): string {
  if (folder.has('gunicorn.conf.py')) return '';
  const worker = ['eventlet', 'gevent'].find((name) => packages.has(name));
  // Sessions of Socket.IO live in one process.
  if (packages.has('flask-socketio'))
    return worker === undefined ? ' --workers 1 --threads 100' : ` --workers 1 --worker-class ${worker}`;
  if (worker !== undefined) return ` --workers \${WEB_CONCURRENCY:-2} --worker-class ${worker}`;
  return ' --workers ${WEB_CONCURRENCY:-2} --threads 4';
}

export function serveAsgi(packages: Packages, { module, variable, isFactory, base }: Served): string | null {
  const target = `${module}:${variable}`;
  if (hasServer(packages, 'uvicorn')) {
    const place = base === '.' ? '' : ` --app-dir ${base}`;
    return `uvicorn ${target}${isFactory ? ' --factory' : ''}${place} --host $HOST --port $PORT`;
  }
  if (hasServer(packages, 'daphne') && !isFactory) return inFolder(base, `daphne -b $HOST -p $PORT ${target}`);
  if (hasServer(packages, 'hypercorn'))
    return inFolder(base, `hypercorn ${isFactory ? `'${target}()'` : target} --bind $HOST:$PORT`);
  return null;
}

/** The server that a framework brings along for people at work, with a note that says so. */
export function developmentServer(packages: Packages, app: Application): Serving | null {
  const target = app.isFactory ? `'${app.module}:${app.variable}()'` : `${app.module}:${app.variable}`;
  const note = (name: string): string =>
    `${name} is served by its development server, which is not made for visitors: add gunicorn to the project's packages.`;
  if (hasOne(packages, ['flask', 'apiflask', 'dash']))
    return {
      start: inFolder(app.base, `FLASK_APP=${target} python3 -m flask run --host $HOST --port $PORT`),
      note: note('Flask'),
    };
  if (packages.has('bottle') && !app.isFactory)
    return { start: inFolder(app.base, `python3 -m bottle --bind $HOST:$PORT ${target}`), note: note('Bottle') };
  return null;
}

export function inFolder(base: string, command: string): string {
  return base === '.' ? command : `cd ${shellPath(base)} && ${command}`;
}
