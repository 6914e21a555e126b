import { isVariableName } from '../../model/names.ts';
import { KapalError } from '../../model/errors.ts';
import { shown } from '../../spec/report.ts';
import { Notes, type Origin } from '../../spec/draft/note.ts';
import { Draft } from '../../spec/draft/draft.ts';
import type { Converted, Importer, ImportInput } from './importer.ts';
import { aliases, appFields, type Pm2App } from './pm2-fields.ts';
import { startCommandOf } from './pm2-command.ts';
import { placesIn } from './pm2-places.ts';
import { isObject, type Places, type Pm2Object, type ReadingApp, textOf } from './pm2-shape.ts';
import { readMap } from '../../spec/yaml/map.ts';
import { settle } from '../../spec/draft/settle.ts';
import { writtenOf } from '../../spec/draft/written.ts';

/** PM2's process files. Those that are programs are run beforehand, apart; what they answered is `evaluated`. */
export const pm2: Importer = {
  files: [
    'ecosystem.config.js',
    'ecosystem.config.cjs',
    'ecosystem.config.mjs',
    'ecosystem.config.json',
    'ecosystem.json',
    'process.json',
    'pm2.config.js',
    'pm2.config.cjs',
    'pm2.config.mjs',
    'pm2.json',
  ],
  evaluates: (file) => /\.[cm]?js$/.test(file),
  convert(input: ImportInput): Converted {
    const { file, files } = input;
    const text = files.read(file) ?? '';
    const draft = new Draft(new Notes());
    const config = pm2.evaluates(file) ? input.evaluated : plainJson(text, file);
    const apps = appsOf(config, file);
    const places = placesIn(text, { file, apps });
    readTop(config, { draft, places });
    for (const [index, app] of apps.entries())
      readApp(app, { ...input, draft, places, index, alone: apps.length === 1 });
    return settle({
      written: writtenOf(draft, `Written by kapal import pm2 from ${file}.`),
      notes: draft.notes,
      files: input.deployed,
      file,
    });
  },
};

/** JSON, with the comments that PM2 allows; refused with line and column where it is neither. */
function plainJson(text: string, file: string): unknown {
  const bare = text.replaceAll(
    /("(?:[^"\\]|\\.)*")|\/\/[^\n]*|\/\*[\s\S]*?\*\//g,
    (_, quoted: string | undefined) => quoted ?? '',
  );
  try {
    return JSON.parse(bare);
  } catch {
    // For its words and its place.
    readMap(text, file);
    throw new KapalError('declaration_invalid', `${file}:1:1: is not valid JSON`);
  }
}

/** `{apps: [...]}`, `{apps: {...}}`, a list, or one app. */
function appsOf(config: unknown, file: string): readonly Pm2Object[] {
  const apps = isObject(config) && 'apps' in config ? config['apps'] : config;
  const list: readonly unknown[] = Array.isArray(apps) ? apps : [apps];
  const found = list.filter(isObject).filter((app) => 'script' in app || 'cmd' in app);
  if (found.length === list.length && found.length > 0) return found;
  throw new KapalError(
    'declaration_invalid',
    `${file}:1:1: expected {apps: [{name, script, ...}]}, found ${list.length === 0 ? 'no apps' : 'apps without a script'}`,
    {
      hint: 'A configuration exports its apps: module.exports = {apps: [...]}',
    },
  );
}

function readTop(config: unknown, { draft, places }: { draft: Draft; places: Places }): void {
  if (!isObject(config) || !('apps' in config)) return;
  for (const key of Object.keys(config)) {
    const origin = places.top(key);
    if (key === 'deploy')
      draft.notes.refuse(
        origin,
        'PM2 copies the source over ssh by it; here kapal deploy FOLDER or GIT-URL does that, and its commands belong in buildCommand and preDeployCommand',
      );
    else if (key !== 'apps')
      draft.notes.refuse(origin, 'is no field of a process file that Kapal knows: it is left out');
  }
}

/** One app becomes one service. */
function readApp(app: Pm2Object, reading: ReadingApp): void {
  const { draft, places, index } = reading;
  const at = (field: string): Origin => places.of(index, field);
  const fields = named(app);
  const name = typeof app['name'] === 'string' ? app['name'] : nameOf(app, reading.project);
  const variables = variablesOf(app, reading);
  const type = variables.has('PORT') || fields.has('port') || isCluster(fields) || reading.alone ? 'web' : 'worker';
  const service = draft.service(name, type, at('name'));
  if (service === null) return;
  draft.notes.warn(
    at('name'),
    type === 'web'
      ? 'is written as web: the app has to listen on the PORT that it is given; write worker where it answers no requests'
      : 'is written as worker, because nothing says that it listens on a PORT: write web where it answers requests',
  );
  const command = startCommandOf(fields, reading);
  if (command !== null) service.set('startCommand', command, at('script'));
  const context: Pm2App = { service, reading };
  for (const [field, { key, value }] of fields) {
    if (isEnvironment(field)) continue;
    const known = Object.hasOwn(appFields, field) ? appFields[field] : undefined;
    if (known === undefined) draft.notes.refuse(at(key), 'is no field of an app that PM2 documents: it is left out');
    else if (typeof known === 'function') {
      draft.notes.handle(at(key));
      known(value, at(key), context);
    } else if ('warn' in known) draft.notes.warn(at(key), known.warn);
    else if ('mention' in known) draft.notes.mention(at(key), known.mention);
    else if (value === false || value === null) draft.notes.carry(at(key), 'asks for nothing');
    else draft.notes.refuse(at(key), known.refuse);
  }
  for (const [key, { value, origin }] of variables) {
    if (key === 'PORT' || key === 'HOST')
      draft.notes.warn(origin, `Kapal sets ${key} itself, and the app has to listen there: it is left out`);
    else if (!isVariableName(key)) draft.notes.refuse(origin, `${shown(key)} is not the name of a variable`);
    else if (value === null || value === undefined) service.variable({ key, sync: false }, origin);
    else service.variable({ key, value: textOf(value) }, origin);
  }
}

function nameOf(app: Pm2Object, project: string): string {
  const script = typeof app['script'] === 'string' ? app['script'] : project;
  return /([^/]+?)(?:\.\w+)?$/.exec(script)?.[1] ?? project;
}

/** Its fields by the name that PM2 documents, whatever spelling was used; the first spelling counts. */
function named(app: Pm2Object): ReadonlyMap<string, { readonly key: string; readonly value: unknown }> {
  const found = new Map<string, { key: string; value: unknown }>();
  for (const [key, value] of Object.entries(app)) {
    const plain = key.startsWith('env_') ? key : key.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
    const field = Object.hasOwn(aliases, key)
      ? aliases[key]
      : Object.hasOwn(aliases, plain)
        ? aliases[plain]
        : Object.hasOwn(appFields, key)
          ? key
          : plain;
    if (field !== undefined && !found.has(field)) found.set(field, { key, value });
  }
  return found;
}

function isCluster(fields: ReturnType<typeof named>): boolean {
  const instances = fields.get('instances')?.value;
  return (
    textOf(fields.get('exec_mode')?.value).startsWith('cluster') ||
    (instances !== undefined && !['1', '0'].includes(textOf(instances)))
  );
}

interface Found {
  readonly value: unknown;
  readonly origin: Origin;
}

function isEnvironment(field: string): boolean {
  return field === 'env' || (field.startsWith('env_') && field !== 'env_file');
}

/** `env`, and `env_production` over it: Kapal's environment is production unless another is named. */
function variablesOf(app: Pm2Object, { draft, places, index }: ReadingApp): ReadonlyMap<string, Found> {
  const variables = new Map<string, Found>();
  const take = (field: string): void => {
    const values = app[field];
    if (values === undefined) return;
    if (!isObject(values))
      return draft.notes.refuse(places.of(index, field), 'is no mapping of variables: it is left out');
    for (const [key, value] of Object.entries(values))
      variables.set(key, { value, origin: places.variable(index, { field, key }) });
  };
  take('env');
  for (const field of Object.keys(app)) {
    if (field === 'env' || !isEnvironment(field)) continue;
    if (field === 'env_production') take(field);
    else
      draft.notes.warn(
        places.of(index, field),
        `is left out: kapal env set -e ${field.slice(4)} gives an environment its own values`,
      );
  }
  return variables;
}
