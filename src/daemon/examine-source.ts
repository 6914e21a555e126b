import { basename } from 'node:path';
import type { ExaminedSource, ExamineOptions } from '../cli/host.ts';
import { findBetter } from '../build/host/optional.ts';
import { readFolder } from '../lib/tree/list.ts';
import { storedFiles } from '../source/declaration-files.ts';
import type { DeclarationFiles } from '../spec/files.ts';
import { buildRecipe } from '../spec/language/build.ts';
import { explain, type Explanation } from '../spec/language/explain.ts';
import { readDeclaration } from '../spec/read.ts';
import type { GroupSpec, ServiceSpec } from '../spec/spec.ts';

/** `kapal detect`: what a deploy of this folder would build and run, without a daemon. Throws KapalError, and TreeError for a folder that cannot be read. */
export async function examineSource({ folder, project }: ExamineOptions): Promise<ExaminedSource> {
  const tree = await readFolder(folder);
  const files = storedFiles(folder, tree.entries);
  const spec = readDeclaration(files, { name: basename(folder), project });
  return {
    project: spec.project,
    origin: spec.origin,
    services: await Promise.all(spec.services.map((service) => examined(files, service, spec.groups))),
    told: spec.told,
    warnings: spec.warnings.map(({ file, line, column, message }) => `${file}:${line}:${column}: ${message}`),
  };
}

/** With what this machine has for it. */
async function examined(
  files: DeclarationFiles,
  service: ServiceSpec,
  groups: readonly GroupSpec[],
): Promise<Explanation> {
  const explanation = explain(files, service, groups);
  const { better } = buildRecipe(files, service);
  if (better === undefined) return explanation;
  const { note } = await findBetter(better, process.env['PATH'] ?? '');
  return { ...explanation, notes: [note.text, ...explanation.notes] };
}
