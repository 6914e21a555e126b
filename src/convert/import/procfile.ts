import { KapalError } from '../../model/errors.ts';
import { slug } from '../../model/names.ts';
import { type Process, readProcfile } from '../../spec/language/procfile.ts';
import { Notes, type Origin } from '../../spec/draft/note.ts';
import { Draft, type ServiceDraft } from '../../spec/draft/draft.ts';
import type { Converted, Importer, ImportInput } from './importer.ts';
import { settle } from '../../spec/draft/settle.ts';
import { writtenOf } from '../../spec/draft/written.ts';

/** Heroku's Procfile: a line for each kind of process. */
export const procfile: Importer = {
  files: ['Procfile'],
  evaluates: () => false,
  convert(input: ImportInput): Converted {
    const { file, files, project } = input;
    const draft = new Draft(new Notes());
    processesInto(draft, { text: files.read(file) ?? '', file, project });
    return settle({
      written: writtenOf(draft, `Written by kapal import procfile from ${file}.`),
      notes: draft.notes,
      files: input.deployed,
      file,
    });
  },
};

export interface ProcfileText {
  readonly text: string;
  readonly file: string;
  readonly project: string;
}

/** A service for each process, by its name there. `web` takes the project's name, as the one that visitors know; `release` prepares it. */
export function processesInto(draft: Draft, { text, file, project }: ProcfileText): ReadonlyMap<string, ServiceDraft> {
  const processes = readProcfile(text);
  const running = processes.filter(({ name }) => name !== 'release');
  const services = new Map<string, ServiceDraft>();
  const taken = new Set(running.map(({ name }) => slug(name)));
  for (const process of running) {
    const type = process.name === 'web' ? 'web' : 'worker';
    const origin = originOf(process, file);
    const service = draft.service(type === 'web' && !taken.has(project) ? project : process.name, type, origin);
    if (service === null) continue;
    service.set('startCommand', process.command, origin);
    services.set(process.name, service);
  }
  const prepared = services.get('web') ?? [...services.values()][0];
  const release = processes.find(({ name }) => name === 'release');
  if (prepared === undefined)
    throw new KapalError('nothing_to_deploy', `${file} has a release process alone: nothing would run`, {
      hint: 'Add a line web: COMMAND to it.',
    });
  if (release !== undefined) prepared.set('preDeployCommand', release.command, originOf(release, file));
  return services;
}

function originOf({ name, line }: Process, file: string): Origin {
  return { file, field: name, line, column: 1 };
}
