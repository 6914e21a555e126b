import { slug } from '../../model/names.ts';
import type { App } from '../../spec/app-json/app.ts';
import { textAt } from '../../spec/app-json/app.ts';
import { readAppJson } from '../../spec/app-json/fields.ts';
import { Draft, type ServiceDraft } from '../../spec/draft/draft.ts';
import { Notes } from '../../spec/draft/note.ts';
import { settle } from '../../spec/draft/settle.ts';
import { writtenOf } from '../../spec/draft/written.ts';
import { SourceFolder } from '../../spec/language/source-folder.ts';
import { readMap } from '../../spec/yaml/map.ts';
import type { Converted, Importer, ImportInput } from './importer.ts';
import { processesInto } from './procfile.ts';

/** Heroku's app.json with its Procfile; Dokku's app.json has the same form, and more in it. */
export const heroku: Importer = {
  files: ['app.json'],
  evaluates: () => false,
  convert(input: ImportInput): Converted {
    const { file, files } = input;
    const draft = new Draft(new Notes());
    const manifest = readMap(files.read(file) ?? '', file);
    // What visitors know is called as the project is.
    const project = slug(textAt(manifest, 'name') ?? '') ?? input.project;
    const procfile = files.read('Procfile');
    const processes = processesOf(draft, { file, procfile, project });
    const app: App = { draft, file, processes, folder: new SourceFolder(input.deployed), variables: new Map() };
    readAppJson(manifest, app, { share: false });
    const from = procfile === null ? file : `${file} and Procfile`;
    return settle({
      written: writtenOf(draft, `Written by kapal import heroku from ${from}.`),
      notes: draft.notes,
      files: input.deployed,
      file,
    });
  },
};

/** Without a Procfile, what the files tell is the web process. */
function processesOf(
  draft: Draft,
  { file, procfile, project }: { readonly file: string; readonly procfile: string | null; readonly project: string },
): ReadonlyMap<string, ServiceDraft> {
  if (procfile !== null) return processesInto(draft, { text: procfile, file: 'Procfile', project });
  const service = draft.service(project, 'web', { file, field: '', line: 1, column: 1 });
  return service === null ? new Map() : new Map([['web', service]]);
}
