import { type BuildRecipe, nothingToBuild } from '../../model/build-recipe.ts';
import type { DeclarationFiles } from '../files.ts';
import type { ServiceSpec } from '../spec.ts';
import { languageNamed, makesPages } from './choose.ts';
import { buildNode } from './node/build.ts';
import { withCommand, withPages } from './recipe.ts';
import { SourceFolder } from './source-folder.ts';

/**
 * How a service is built, from its source's files and what was declared. Throws KapalError `declaration_invalid` for a damaged file, `toolchain_missing`
 * for what cannot be brought.
 */
export function buildRecipe(
  files: DeclarationFiles,
  spec: Pick<ServiceSpec, 'runtime' | 'rootDir' | 'commands' | 'disk'>,
): BuildRecipe {
  const folder = new SourceFolder(files, spec.rootDir);
  const { build: command, start, preDeploy, initialDeploy } = spec.commands;
  const others = [preDeploy, initialDeploy ?? null].filter((one) => one !== null);
  const kept = keptFolder(spec);
  if (spec.runtime === null) return nothingToBuild;
  if (spec.runtime === 'static')
    return withCommand(buildNode(folder, { command, start, others, isStatic: true, kept }), command);
  const language = languageNamed(spec.runtime);
  if (language === null) return withCommand(nothingToBuild, command);
  const own = withCommand(language.build(folder, { command, start, others, isStatic: false, kept }), command);
  if (command !== null || !makesPages(folder, language)) return own;
  const pages = buildNode(folder, { command: null, start: null, others: [], isStatic: true, kept });
  return withPages(own, pages);
}

/** Where the disk of a service lies in its own folder. */
function keptFolder({ rootDir, disk }: Pick<ServiceSpec, 'rootDir' | 'disk'>): string | null {
  if (disk === undefined || disk.mountPath.startsWith('/')) return null;
  if (rootDir === '.') return disk.mountPath;
  return disk.mountPath.startsWith(`${rootDir}/`) ? disk.mountPath.slice(rootDir.length + 1) : null;
}
