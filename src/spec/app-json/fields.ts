import type { ServiceDraft } from '../draft/draft.ts';
import type { Origin } from '../draft/note.ts';
import { countOf, type FieldTable, readFields, scalarOf, wrongKind } from '../draft/reading.ts';
import type { MapValue, Value } from '../yaml/value.ts';
import { type App, asMap, mainOf, readInner, textAt } from './app.ts';
import { readBuildpacks } from './buildpacks.ts';
import { readHealth } from './checks.ts';
import { readCron } from './cron.ts';
import { readAddons, readVariables } from './variables.ts';

/** Reads an app.json, Heroku's or Dokku's, into the draft of its app: what it says of the processes, their variables and jobs, and a note on whatever else. */
export function readAppJson(manifest: MapValue, app: App, { share }: { readonly share: boolean }): void {
  const { draft, file, variables } = app;
  readFields(manifest, { table, context: app, notes: draft.notes, file, path: '', tool: 'app.json' });
  const shared = share || draft.services.length > 1;
  if (shared && variables.size > 0) draft.shared = { name: 'app', variables: [...variables.values()] };
  for (const service of draft.services) {
    if (shared && variables.size > 0) service.take('app');
    else for (const { key, entry, origin } of variables.values()) service.variable({ ...entry, key }, origin);
  }
}

const described = { mention: 'describes the app for people, and is left out' } as const;
const reviews = { warn: 'this version makes no review apps and no test environments: it is left out' } as const;

const table: FieldTable<App> = {
  name: (value, origin, { draft }) => {
    const name = scalarOf(value);
    if (name === null) wrongKind(draft.notes, origin, { expected: 'text', value });
    else draft.named(name, origin);
  },
  env: readVariables,
  formation: readFormation,
  scripts: readScripts,
  cron: readCron,
  healthchecks: readHealth,
  addons: readAddons,
  buildpacks: readBuildpacks,
  stack: { warn: 'the system is that of your own server: it is left out' },
  image: { refuse: 'Kapal takes no builder image: it builds by the recipe of the language' },
  environments: reviews,
  description: described,
  keywords: described,
  logo: described,
  repository: described,
  website: described,
  success_url: described,
  $schema: described,
};

/** Fields that make the difference between an app of Heroku's and any other file of that name. */
const telling = ['env', 'formation', 'scripts', 'cron', 'healthchecks', 'addons', 'buildpacks', 'stack', 'image'];

/** Whether it is Heroku's: Expo and others have a file of that name too. */
export function isAppJson({ entries }: MapValue): boolean {
  return entries.some(({ key }) => telling.includes(key)) && !entries.some(({ key }) => key === 'expo');
}

/** The same of a text that may be damaged. */
export function mayBeAppJson(text: string): boolean {
  return telling.some((key) => text.includes(`"${key}"`));
}

interface OnService {
  readonly app: App;
  readonly service: ServiceDraft;
}

function readFormation(value: Value, origin: Origin, app: App): void {
  const { notes } = app.draft;
  for (const { key, keyAt, value: said } of asMap(value, origin, { notes, of: 'processes' })?.entries ?? []) {
    const service = app.processes.get(key);
    const path = `formation.${key}`;
    const at = { file: app.file, field: path, ...keyAt };
    if (service === undefined) notes.refuse(at, 'no process of the Procfile has this name');
    else if (said.kind !== 'map') notes.refuse(at, 'is not a mapping');
    else readInner(said, { table: formationTable, context: { app, service }, app, path });
  }
}

const formationTable: FieldTable<OnService> = {
  quantity: (value, origin, { app, service }) => {
    const count = countOf(value);
    const { notes } = app.draft;
    if (count === null) wrongKind(notes, origin, { expected: 'a whole number', value });
    else if (count === 0)
      notes.warn(origin, `0 runs nothing: it gets one instance; after the first deploy kapal stop ${service.name}`);
    else service.set('numInstances', count, origin);
  },
  size: { warn: 'your own server has no sizes of dynos: memoryLimit bounds an instance' },
  max_parallel: { warn: 'a rollout replaces one instance at a time: rollout.maxSurge changes that' },
};

/** Heroku's own, and Dokku's below `dokku`. */
function readScripts(value: Value, origin: Origin, app: App): void {
  const map = asMap(value, origin, { notes: app.draft.notes, of: 'scripts' });
  if (map !== null) readInner(map, { table: scriptTable, context: app, app, path: 'scripts' });
}

const scriptTable: FieldTable<App> = {
  // Once, after the app was made.
  postdeploy: (value, origin, app) => {
    const command = commandOf(value, origin, app);
    if (command !== null) mainOf(app)?.set('initialDeployHook', command, origin);
  },
  predeploy: prepare,
  'pr-predestroy': reviews,
  test: reviews,
  'test-setup': reviews,
  dokku: (value, origin, app) => {
    const map = asMap(value, origin, { notes: app.draft.notes, of: 'scripts' });
    if (map !== null) readInner(map, { table: dokkuScripts, context: app, app, path: 'scripts.dokku' });
  },
};

const dokkuScripts: FieldTable<App> = {
  predeploy: prepare,
  postdeploy: {
    refuse:
      'a command after every deploy is nothing that Kapal has: put it in preDeployCommand, or at the start of the app',
  },
  prebuild: { refuse: 'a command before the build belongs in buildCommand' },
};

/** Before traffic, beside a `release` process that may be there. */
function prepare(value: Value, origin: Origin, app: App): void {
  const command = commandOf(value, origin, app);
  const service = mainOf(app);
  if (command === null || service === undefined) return;
  const before = service.get('preDeployCommand');
  service.set('preDeployCommand', typeof before === 'string' ? `${command} && ${before}` : command, origin);
}

function commandOf(value: Value, origin: Origin, { draft }: App): string | null {
  const command = value.kind === 'map' ? textAt(value, 'command') : scalarOf(value);
  if (command === null) wrongKind(draft.notes, origin, { expected: 'a command', value });
  return command;
}
