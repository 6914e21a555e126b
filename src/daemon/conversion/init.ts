import { realpathSync } from 'node:fs';
import { basename, join } from 'node:path';
import type { InitialDeclaration, InitRequest } from '../../cli/host.ts';
import { guessedDeclaration } from '../../convert/guess.ts';
import { readFolder } from '../../lib/tree/list.ts';
import { KapalError } from '../../model/errors.ts';
import { storedFiles } from '../../source/declaration-files.ts';
import type { DeclarationFiles } from '../../spec/files.ts';
import { readDeclaration } from '../../spec/read.ts';
import { isThere, written } from './writing.ts';

/** What `kapal init` may replace; a kapal.yml stays the one that is read. */
const own = ['kapal.yaml', 'kapal.yml'];

/** The kapal.yaml that a folder does without. Throws KapalError, and TreeError for a folder that cannot be read. */
export async function initDeclaration(request: InitRequest): Promise<InitialDeclaration> {
  const folder = realpathSync(request.folder);
  const { entries } = await readFolder(folder);
  const files = storedFiles(folder, entries);
  const there = own.filter((name) => files.list('.').includes(name));
  const { write } = request;
  const name = there[0] ?? 'kapal.yaml';
  if (write?.force === false && there.length > 0) throw isThere(join(folder, name));
  if (files.list('.').includes('render.yaml'))
    throw new KapalError('conflict', 'render.yaml declares this folder: nothing is guessed beside it', {
      hint: 'It is deployed as it is; as a kapal.yaml: kapal import render --write',
    });
  const spec = readDeclaration(without(files, own), { name: basename(folder), project: request.project });
  const declaration = guessedDeclaration(spec, files);
  const { project, told } = spec;
  return {
    project,
    declaration,
    told,
    warnings: spec.warnings.map(({ file, line, column, message }) => `${file}:${line}:${column}: ${message}`),
    written: write === null ? null : await written(folder, { name, text: declaration, force: write.force }),
  };
}

/** The files that are there beside what was declared. */
function without(files: DeclarationFiles, names: readonly string[]): DeclarationFiles {
  return {
    read: (path) => (names.includes(path) ? null : files.read(path)),
    head: (path) => (names.includes(path) ? null : files.head(path)),
    list: (folder) => files.list(folder).filter((name) => folder !== '.' || !names.includes(name)),
  };
}
