import { basename } from 'node:path';
import type { ExaminedSource, ExamineOptions } from '../cli/host.ts';
import { readFolder } from '../lib/tree/list.ts';
import { storedFiles } from '../source/declaration-files.ts';
import { explain } from '../spec/language/explain.ts';
import { readDeclaration } from '../spec/read.ts';

/** `kapal detect`: what a deploy of this folder would build and run, without a daemon. Throws KapalError, and TreeError for a folder that cannot be read. */
export async function examineSource({ folder, project }: ExamineOptions): Promise<ExaminedSource> {
  const tree = await readFolder(folder);
  const files = storedFiles(folder, tree.entries);
  const spec = readDeclaration(files, { name: basename(folder), project });
  return {
    project: spec.project,
    origin: spec.origin,
    services: spec.services.map((service) => explain(files, service, spec.groups)),
    told: spec.told,
    warnings: spec.warnings.map(({ file, line, column, message }) => `${file}:${line}:${column}: ${message}`),
  };
}
