import type { ServicePlan, Unclear } from '../language.ts';
import type { SourceFolder } from '../source-folder.ts';
import { type DjangoProject, readDjango } from './django.ts';
import type { Packages } from './requirements.ts';
import { hasOne, inFolder, serveAsgi, serveWsgi } from './server.ts';

/** Its WSGI application by a server of the project's, its ASGI application where it has a server for that one alone; else Django's development server. */
export function planDjango(
  folder: SourceFolder,
  { base, packages }: { readonly base: string; readonly packages: Packages },
): ServicePlan | Unclear {
  const django = readDjango(folder, base);
  const file = folder.nameOf(base === '.' ? 'manage.py' : `${base}/manage.py`);
  const served = serve(folder, django, packages);
  const start = served ?? 'python3 manage.py runserver $HOST:$PORT --noreload';
  return {
    kind: 'server',
    file,
    why: 'a Django project',
    rootDir: '.',
    start: inFolder(base, start),
    preDeploy: django.hasDatabase ? inFolder(base, 'python3 manage.py migrate --noinput') : null,
    certainty: 'declared',
    notes: notesOf(django, { isServed: served !== null, packages }),
  };
}

function serve(folder: SourceFolder, django: DjangoProject, packages: Packages): string | null {
  const { wsgi, asgi, base } = django;
  // The command line goes there first, so that manage.py and its settings find each other.
  const at = base === '.' ? folder : folder.below(base);
  const shape = { variable: 'application', isFactory: false, base: '.' };
  const byWsgi = wsgi === null ? null : serveWsgi(at, packages, { ...shape, module: wsgi });
  const byAsgi = asgi === null ? null : serveAsgi(packages, { ...shape, module: asgi });
  // Channels answer WebSockets, which WSGI cannot.
  return hasOne(packages, ['channels']) ? (byAsgi ?? byWsgi) : (byWsgi ?? byAsgi);
}

function notesOf(
  { collectsStatic, usesSqlite, showsErrors }: DjangoProject,
  { isServed, packages }: { readonly isServed: boolean; readonly packages: Packages },
): readonly string[] {
  const notes: string[] = [];
  if (!isServed)
    notes.push(
      "Django is served by its development server, which is not made for visitors: add gunicorn to the project's packages.",
    );
  if (showsErrors)
    notes.push('Its settings have DEBUG = True: visitors would see errors with their code and settings.');
  if (collectsStatic && isServed && !packages.has('whitenoise'))
    notes.push('Nothing of the project serves its static files: whitenoise does (add it to MIDDLEWARE).');
  if (usesSqlite)
    notes.push(
      'Its database is an SQLite file in the release, and every deploy begins with that of the source: name a database server in DATABASES.',
    );
  return notes;
}
