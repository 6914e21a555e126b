import { realpathSync, statSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { basename, dirname } from 'node:path';
import type { ExportedDeclaration, ExportRequest, ImportedDeclaration, ImportRequest } from '../../cli/host.ts';
import { exporters } from '../../convert/export/exporters.ts';
import type { Importer } from '../../convert/import/importer.ts';
import { importers } from '../../convert/import/importers.ts';
import { readFolder } from '../../lib/tree/list.ts';
import { KapalError } from '../../model/errors.ts';
import { slug } from '../../model/names.ts';
import { storedFiles } from '../../source/declaration-files.ts';
import type { DeclarationFiles } from '../../spec/files.ts';
import { readDeclaration } from '../../spec/read.ts';
import { evaluate } from './evaluate.ts';
import { localFiles } from './local-files.ts';
import { written } from './writing.ts';

/** Another tool's declaration as a kapal.yaml. Throws KapalError, and TreeError for a folder that cannot be read. */
export async function importDeclaration(request: ImportRequest): Promise<ImportedDeclaration> {
  const importer: Importer = importers[request.from];
  const { folder, named } = placeOf(request.path);
  const files = localFiles(folder);
  const there = new Set(files.list('.'));
  const file = named ?? importer.files.find((name) => there.has(name));
  if (file === undefined)
    throw new KapalError('nothing_to_deploy', `${request.path} has none of ${importer.files.join(', ')}`, {
      hint: `Name the file: kapal import ${request.from} FILE`,
    });
  if (files.read(file) === null)
    throw new KapalError('declaration_invalid', `${file}:1:1: is not a readable file, or too large for a declaration`);
  const evaluated = importer.evaluates(file) ? await evaluate({ files, file, folder, root: request.root }) : undefined;
  const { declaration, notes } = importer.convert({
    files,
    deployed: await deployedFiles(folder),
    file,
    folder,
    evaluated,
    project: request.project ?? slug(basename(folder)) ?? 'project',
    processors: availableParallelism(),
  });
  if (request.write === null) return { declaration, notes, written: null };
  return {
    declaration,
    notes,
    written: await written(folder, { name: 'kapal.yaml', text: declaration, ...request.write }),
  };
}

/** The declaration of a folder for another tool. Throws KapalError, and TreeError for a folder that cannot be read. */
export async function exportDeclaration(request: ExportRequest): Promise<ExportedDeclaration> {
  const { folder, named } = placeOf(request.path);
  if (named !== null && !['kapal.yaml', 'kapal.yml', 'render.yaml', 'Procfile'].includes(named))
    throw new KapalError('usage', `${named} is no declaration that Kapal deploys`, {
      hint: 'Name its folder, or import it first: kapal help import',
    });
  const spec = readDeclaration(await deployedFiles(folder), { name: basename(folder), project: request.project });
  const { files, notes } = exporters[request.to](spec);
  const paths: string[] = [];
  if (request.write !== null)
    for (const { path, text } of files)
      paths.push(await written(request.write.folder, { name: path, text, force: request.write.force }));
  const { warnings } = spec;
  return { files, notes, warnings, written: paths };
}

/** What `kapal deploy` would send. */
async function deployedFiles(folder: string): Promise<DeclarationFiles> {
  const { entries } = await readFolder(folder);
  return storedFiles(folder, entries);
}

/** A folder, or a file and the folder that it lies in. */
function placeOf(path: string): { readonly folder: string; readonly named: string | null } {
  const stats = statSync(path, { throwIfNoEntry: false });
  if (stats === undefined)
    throw new KapalError('usage', `${JSON.stringify(path)} is not there`, { hint: 'Name a folder, or a file in it.' });
  return stats.isDirectory()
    ? { folder: realpathSync(path), named: null }
    : { folder: realpathSync(dirname(path)), named: basename(path) };
}
