import { shellWord } from '../../model/shell.ts';
import type { ServiceSpec, Spec } from '../../spec/spec.ts';
import { noteUnsaid } from './asked.ts';
import { ExportNotes, type Exported } from './exporter.ts';
import { variablesOf } from './values.ts';

const carried = new Set(['startCommand', 'preDeployCommand', 'rootDir', 'envVars']);

const why = {
  buildCommand: 'a Procfile builds nothing: run it before, or let the buildpack do it',
  port: 'the app has to read PORT where a Procfile runs',
  numInstances: 'a Procfile has no numbers: heroku ps:scale, or formation in app.json',
} as const;

/** Heroku's Procfile: a line for each kind of process. The first `web` service is the process `web`, which alone is reached. */
export function exportProcfile(spec: Spec): Exported {
  const notes = new ExportNotes();
  const web = spec.services.find(({ type }) => type === 'web');
  const lines: string[] = [];
  for (const service of spec.services) {
    const line = lineOf(service, { isWeb: service === web, notes });
    if (line === null) continue;
    lines.push(line);
    const keys = variablesOf(spec, service).map(({ key }) => key);
    if (keys.length > 0)
      notes.warn(
        `${service.name}.envVars`,
        `a Procfile has no variables: ${keys.join(', ')} have to be set where it runs`,
      );
  }
  const release = releaseOf(spec, notes);
  const text = [...(release === null ? [] : [`release: ${release}`]), ...lines].map((line) => `${line}\n`).join('');
  return { files: [{ path: 'Procfile', text }], notes: notes.all() };
}

function lineOf(service: ServiceSpec, { isWeb, notes }: { isWeb: boolean; notes: ExportNotes }): string | null {
  const { name, type, commands } = service;
  if (type === 'cron') {
    notes.refuse(name, 'a Procfile has no schedules: Heroku has them in its Scheduler, and it is left out');
    return null;
  }
  if (commands.start === null) {
    notes.refuse(name, `a Procfile runs commands, and a service of type ${type} has none: it is left out`);
    return null;
  }
  const command = inFolder(service, commands.start);
  if (command.includes('\n')) {
    notes.refuse(
      `${name}.startCommand`,
      'a Procfile has one line for a process, and this command has more: put it into a script',
    );
    return null;
  }
  if ((type === 'web' && !isWeb) || type === 'pserv')
    notes.warn(name, 'only the process web is reached in a Procfile: this one runs, and nobody reaches it');
  noteUnsaid(service, { carried, why, otherwise: 'a Procfile has no word for it' }, notes);
  return `${isWeb ? 'web' : name}: ${command}`;
}

/** There is one `release`, whatever it prepares. */
function releaseOf(spec: Spec, notes: ExportNotes): string | null {
  const prepared = spec.services.filter(({ commands }) => commands.preDeploy !== null && commands.start !== null);
  const commands: string[] = [];
  for (const service of prepared) {
    const command = inFolder(service, service.commands.preDeploy ?? '');
    if (command.includes('\n'))
      notes.refuse(
        `${service.name}.preDeployCommand`,
        'a Procfile has one line for release, and this command has more: put it into a script',
      );
    else commands.push(command);
  }
  if (commands.length < 2) return commands[0] ?? null;
  notes.warn(
    `${prepared[0]?.name ?? ''}.preDeployCommand`,
    'a Procfile has one release: the commands of all services run one after the other',
  );
  return commands.map((command) => `(${command})`).join(' && ');
}

function inFolder({ rootDir }: ServiceSpec, command: string): string {
  return rootDir === '.' ? command : `cd ${shellWord(rootDir)} && ${command}`;
}
