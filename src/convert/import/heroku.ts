import { isVariableName, slug } from '../../model/names.ts';
import { shown } from '../../spec/report.ts';
import { entryOf, type Value } from '../../spec/yaml/value.ts';
import { Notes, type Origin } from '../note.ts';
import { Draft, type ServiceDraft } from './draft.ts';
import { addonVariables } from './heroku-addons.ts';
import type { Converted, Importer, ImportInput } from './importer.ts';
import { processesInto } from './procfile.ts';
import { countOf, type FieldTable, originAt, originOf, readFields, scalarOf, wrongKind } from './reading.ts';
import { readMap } from './render.ts';
import { settle } from './settle.ts';
import { writtenOf } from './written.ts';

/** Heroku's app.json with its Procfile; Dokku's app.json has the same form, and more in it. */
export const heroku: Importer = {
  files: ['app.json'],
  evaluates: () => false,
  convert(input: ImportInput): Converted {
    const { file, files } = input;
    const draft = new Draft(new Notes());
    const manifest = readMap(files.read(file) ?? '', file);
    // What visitors know is called as the project is.
    const project = slug(scalarOf(entryOf(manifest, 'name')?.value ?? nothing) ?? '') ?? input.project;
    const app = appOf(draft, { ...input, project });
    readFields(manifest, { table, context: app, notes: draft.notes, file, path: '', tool: 'app.json' });
    shareVariables(draft);
    return settle({
      written: writtenOf(draft, `Written by kapal import heroku from ${[file, ...app.beside].join(' and ')}.`),
      notes: draft.notes,
      files: input.deployed,
      file,
    });
  },
};

interface App {
  readonly draft: Draft;
  readonly file: string;
  readonly processes: ReadonlyMap<string, ServiceDraft>;
  /** Other files that were read. */
  readonly beside: readonly string[];
  /** Variables come to every process. */
  readonly everywhere: ServiceDraft[];
}

function appOf(draft: Draft, { file, files, project }: ImportInput): App {
  const text = files.read('Procfile');
  const processes =
    text === null ? new Map<string, ServiceDraft>() : processesInto(draft, { text, file: 'Procfile', project });
  // Without a Procfile, what the files tell is the web process.
  if (processes.size === 0) {
    const service = draft.service(project, 'web', { file, field: '', line: 1, column: 1 });
    return {
      draft,
      file,
      processes: service === null ? processes : new Map([['web', service]]),
      beside: [],
      everywhere: draft.services,
    };
  }
  return { draft, file, processes, beside: ['Procfile'], everywhere: draft.services };
}

/** Every process of an app has the same variables, and a secret that is made is made once. */
function shareVariables(draft: Draft): void {
  const [first] = draft.services;
  if (first === undefined || draft.services.length < 2 || first.variables.length === 0) return;
  const [variables = []] = draft.services.map((service) => service.share('app'));
  draft.shared = { name: 'app', variables };
}

const described = { warn: 'describes the app for people, and is left out' } as const;
const reviews = { warn: 'this version makes no review apps and no test environments: it is left out' } as const;

const table: FieldTable<App> = {
  name: (value, origin, { draft }) => {
    const name = scalarOf(value);
    if (name === null) wrongKind(draft.notes, origin, { expected: 'text', value });
    else draft.named(name, origin);
  },
  env: (value, origin, app) => readVariables(value, origin, app),
  formation: (value, origin, app) => readFormation(value, origin, app),
  scripts: (value, origin, app) => readScripts(value, origin, app),
  cron: (value, origin, app) => readCron(value, origin, app),
  healthchecks: (value, origin, app) => readHealth(value, origin, app),
  addons: (value, origin, app) => readAddons(value, origin, app),
  buildpacks: {
    warn: 'Kapal sees the language from the files, and takes no buildpacks: a step that one of them did belongs in buildCommand',
  },
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

function readVariables(value: Value, origin: Origin, { draft, file, everywhere }: App): void {
  if (value.kind !== 'map') return wrongKind(draft.notes, origin, { expected: 'a mapping of variables', value });
  for (const entry of value.entries) {
    const at = originOf(entry, { file, path: 'env' });
    const said = entry.value.kind === 'map' ? entry.value : null;
    const plain = said === null ? scalarOf(entry.value) : scalarOf(entryOf(said, 'value')?.value ?? nothing);
    const isSecret = said !== null && scalarOf(entryOf(said, 'generator')?.value ?? nothing) === 'secret';
    const optional = said !== null && scalarOf(entryOf(said, 'required')?.value ?? nothing) === 'false';
    if (!isVariableName(entry.key)) draft.notes.refuse(at, `${shown(entry.key)} is not the name of a variable`);
    else if (isSecret) give(everywhere, { key: entry.key, generateValue: true }, at);
    else if (plain !== null) give(everywhere, { key: entry.key, value: plain }, at);
    else if (optional)
      draft.notes.warn(
        at,
        `is optional and has no value: it is left out; kapal env set SERVICE ${entry.key}=... gives one`,
      );
    else give(everywhere, { key: entry.key, sync: false }, at);
  }
}

const nothing: Value = { kind: 'scalar', value: null, source: '', at: { line: 1, column: 1 } };

function give(services: readonly ServiceDraft[], entry: Parameters<ServiceDraft['variable']>[0], origin: Origin): void {
  for (const service of services) service.variable(entry, origin);
}

function readFormation(value: Value, origin: Origin, { draft, file, processes }: App): void {
  if (value.kind !== 'map') return wrongKind(draft.notes, origin, { expected: 'a mapping of processes', value });
  for (const { key, keyAt, value: said } of value.entries) {
    const service = processes.get(key);
    const path = `formation.${key}`;
    if (service === undefined || said.kind !== 'map') {
      draft.notes.refuse(
        { file, field: path, ...keyAt },
        service === undefined ? 'no process of the Procfile has this name' : 'is not a mapping',
      );
      continue;
    }
    const context = { draft, service };
    readFields(said, { table: formationTable, context, notes: draft.notes, file, path, tool: 'a formation' });
  }
}

interface OnService {
  readonly draft: Draft;
  readonly service: ServiceDraft;
}

const formationTable: FieldTable<OnService> = {
  quantity: (value, origin, { draft, service }) => {
    const count = countOf(value);
    if (count === null) wrongKind(draft.notes, origin, { expected: 'a whole number', value });
    else if (count === 0)
      draft.notes.warn(
        origin,
        `0 runs nothing: it gets one instance; after the first deploy kapal stop ${service.name}`,
      );
    else service.set('numInstances', count, origin);
  },
  size: { warn: 'your own server has no sizes of dynos: memoryLimit bounds an instance' },
  max_parallel: { warn: 'a rollout replaces one instance at a time: rollout.maxSurge changes that' },
};

/** Heroku's own, and Dokku's below `dokku`. */
function readScripts(value: Value, origin: Origin, app: App): void {
  const { draft, file } = app;
  if (value.kind !== 'map') return wrongKind(draft.notes, origin, { expected: 'a mapping of scripts', value });
  readFields(value, { table: scriptTable, context: app, notes: draft.notes, file, path: 'scripts', tool: 'scripts' });
}

const scriptTable: FieldTable<App> = {
  // Once, after the app was made.
  postdeploy: (value, origin, { draft, processes }) => {
    const command = commandOf(value, origin, draft);
    if (command !== null) mainOf(processes)?.set('initialDeployHook', command, origin);
  },
  predeploy: (value, origin, app) => prepare(value, origin, app),
  'pr-predestroy': reviews,
  test: reviews,
  'test-setup': reviews,
  dokku: (value, origin, app) => {
    const { draft, file } = app;
    if (value.kind !== 'map') return wrongKind(draft.notes, origin, { expected: 'a mapping of scripts', value });
    readFields(value, {
      table: dokkuScripts,
      context: app,
      notes: draft.notes,
      file,
      path: 'scripts.dokku',
      tool: 'scripts.dokku',
    });
  },
};

const dokkuScripts: FieldTable<App> = {
  predeploy: (value, origin, app) => prepare(value, origin, app),
  postdeploy: {
    refuse:
      'a command after every deploy is nothing that Kapal has: put it in preDeployCommand, or at the start of the app',
  },
  prebuild: { refuse: 'a command before the build belongs in buildCommand' },
};

/** Before traffic, beside a `release` process that may be there. */
function prepare(value: Value, origin: Origin, { draft, processes }: App): void {
  const command = commandOf(value, origin, draft);
  const service = mainOf(processes);
  if (command === null || service === undefined) return;
  const before = service.get('preDeployCommand');
  service.set('preDeployCommand', typeof before === 'string' ? `${command} && ${before}` : command, origin);
}

function mainOf(processes: ReadonlyMap<string, ServiceDraft>): ServiceDraft | undefined {
  return processes.get('web') ?? [...processes.values()][0];
}

function commandOf(value: Value, origin: Origin, draft: Draft): string | null {
  const command = value.kind === 'map' ? scalarOf(entryOf(value, 'command')?.value ?? nothing) : scalarOf(value);
  if (command === null) wrongKind(draft.notes, origin, { expected: 'a command', value });
  return command;
}

/** Dokku's: `[{command, schedule}]`. */
function readCron(value: Value, origin: Origin, { draft, file, everywhere }: App): void {
  if (value.kind !== 'list') return wrongKind(draft.notes, origin, { expected: 'a list of commands', value });
  const variables = everywhere[0]?.variables ?? [];
  for (const [index, item] of value.items.entries()) {
    const at = originAt(item, { file, field: `cron[${index}]` });
    const command = item.kind === 'map' ? scalarOf(entryOf(item, 'command')?.value ?? nothing) : null;
    const schedule = item.kind === 'map' ? scalarOf(entryOf(item, 'schedule')?.value ?? nothing) : null;
    if (command === null || schedule === null) {
      draft.notes.refuse(at, 'expected {command, schedule}: it is left out');
      continue;
    }
    const service = draft.service(value.items.length === 1 ? 'cron' : `cron-${index + 1}`, 'cron', at);
    service?.set('schedule', schedule, at);
    service?.set('startCommand', command, at);
    for (const { entry, key, origin: from } of variables) service?.variable({ ...entry, key }, from);
  }
}

/** Dokku's: a list of checks for each process. */
function readHealth(value: Value, origin: Origin, { draft, file, processes }: App): void {
  if (value.kind !== 'map') return wrongKind(draft.notes, origin, { expected: 'a mapping of processes', value });
  for (const { key, keyAt, value: checks } of value.entries) {
    const service = processes.get(key);
    const path = `healthchecks.${key}`;
    if (service === undefined || checks.kind !== 'list') {
      draft.notes.refuse(
        { file, field: path, ...keyAt },
        service === undefined ? 'no process of the Procfile has this name' : 'is not a list',
      );
      continue;
    }
    for (const [index, check] of checks.items.entries())
      readCheck(check, { draft, service, file, path: `${path}[${index}]` });
  }
}

function readCheck(check: Value, at: OnService & { readonly file: string; readonly path: string }): void {
  const { draft, service, file, path } = at;
  const url = check.kind === 'map' ? entryOf(check, 'path') : undefined;
  if (check.kind !== 'map' || url === undefined)
    return draft.notes.refuse(
      originAt(check, { file, field: path }),
      'only a check of a path is taken: Kapal asks healthCheckPath, or looks whether the port accepts',
    );
  if (service.get('healthCheckPath') !== undefined)
    return draft.notes.refuse(
      originAt(check, { file, field: path }),
      'one check of a path is taken, and this is another',
    );
  readFields(check, {
    table: checkTable,
    context: { draft, service },
    notes: draft.notes,
    file,
    path,
    tool: 'a health check',
  });
}

const pace = { warn: 'Kapal asks again until startTimeoutSeconds have passed: it is left out' } as const;

const checkTable: FieldTable<OnService> = {
  path: (value, origin, { draft, service }) => {
    const path = scalarOf(value);
    if (path === null) wrongKind(draft.notes, origin, { expected: 'a path', value });
    else service.set('healthCheckPath', path, origin);
  },
  timeout: (value, origin, { draft, service }) => {
    const seconds = countOf(value);
    if (seconds === null || seconds === 0) wrongKind(draft.notes, origin, { expected: 'a number of seconds', value });
    else service.set('healthCheck', { timeoutSeconds: seconds }, origin);
  },
  type: { warn: 'one check serves for the start and for the time after it' },
  name: { warn: 'names the check for people, and is left out' },
  attempts: pace,
  wait: pace,
  initialDelay: pace,
  warn: pace,
  content: { refuse: 'the body of an answer is not looked at: 2xx or 3xx is enough' },
};

function readAddons(value: Value, origin: Origin, { draft, file, everywhere }: App): void {
  if (value.kind !== 'list') return wrongKind(draft.notes, origin, { expected: 'a list of add-ons', value });
  for (const [index, item] of value.items.entries()) {
    const at = originAt(item, { file, field: `addons[${index}]` });
    const plan = item.kind === 'map' ? scalarOf(entryOf(item, 'plan')?.value ?? nothing) : scalarOf(item);
    const prefix = item.kind === 'map' ? scalarOf(entryOf(item, 'as')?.value ?? nothing) : null;
    if (plan === null) {
      wrongKind(draft.notes, at, { expected: 'the name of an add-on', value: item });
      continue;
    }
    const keys = addonVariables(plan, prefix);
    for (const key of keys) give(everywhere, { key, sync: false }, at);
    draft.notes.warn(
      at,
      keys.length === 0
        ? `${shown(plan)} comes from no add-on here: run it yourself, declare the variables that it gave with sync: false, and set them with kapal env set`
        : `${shown(plan)} comes from no add-on here: run it yourself; ${keys.join(' and ')} is declared with sync: false, and kapal env set gives its value`,
    );
  }
}
