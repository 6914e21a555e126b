import type { BuildAsked } from '../language.ts';
import {
  type BuildRecipe,
  type BuildStep,
  type InstalledTree,
  nothingToBuild,
  type Requirement,
} from '../../../model/build-recipe.ts';
import type { SourceFolder } from '../source-folder.ts';
import { lockNames, type PackageManager, unknownManager, usualTool } from './package-manager.ts';
import { pruningOf } from './pruning.ts';
import { type NodeProject, readNodeProject } from './project.ts';
import { askedNode } from './version.ts';

/**
 * The dependencies by the project's own package manager, development ones too, then its `build` script. A package.json without dependencies and lock
 * file needs no install, a folder without package.json needs nothing. A server keeps development dependencies only where it may need them. A static site is built where it has a `build` script, and served as it lies otherwise.
 */
export function buildNode(folder: SourceFolder, asked: BuildAsked): BuildRecipe {
  const project = readNodeProject(folder);
  if (asked.isStatic && asked.command === null && project?.manifest.scripts.has('build') !== true)
    return nothingToBuild;
  if (project !== null && project.unknownManager !== null) throw unknownManager(project.unknownManager);
  const recipe = {
    ...nothingToBuild,
    requires: [askedNode(folder, project?.manifest ?? null)],
    manager: project === null ? null : settingsOf(project.manager),
  };
  if (asked.command !== null) return declared(asked.command, project, recipe);
  if (project === null) return recipe;
  const made = own(project, recipe);
  if (asked.isStatic || asked.start === null) return made;
  const { steps, notes } = pruningOf(folder, project, {
    commands: [...asked.others, asked.start],
    tree: treeOf(project),
  });
  return { ...made, build: [...made.build, ...steps], notes };
}

function own(project: NodeProject, recipe: BuildRecipe): BuildRecipe {
  const { manifest, manager, installFolder, needsInstall } = project;
  const tree = treeOf(project);
  const note = manager.note === null ? '' : `; ${manager.note}`;
  const move = installFolder === '.' ? '' : `cd ${installFolder} && `;
  const install: BuildStep = {
    title: `Installing dependencies (${manager.install}${note})`,
    command: `${move}${manager.install}`,
    ...(tree === null ? {} : { tree }),
  };
  const build: BuildStep = { title: `Building (${manager.build})`, command: manager.build };
  const steps = {
    install: needsInstall ? [install] : [],
    build: manifest.scripts.has('build') ? [build] : [],
  };
  const isIdle = steps.install.length + steps.build.length === 0;
  const brought: readonly Requirement[] =
    isIdle || manager.tool === null ? [] : [{ kind: 'manager', tool: manager.tool }];
  return { ...recipe, ...steps, requires: [...recipe.requires, ...brought] };
}

/**
 * Scripts of the project's own, and workspaces, write where they like: then an install is never taken from an earlier build. pnpm writes the folder's own
 * path into what it installs, and has a store that makes it quick. What is made in a package of the project's own, in its folder, is not in the tree.
 */
function treeOf({ manifest, manager, installFolder, hasScripts }: NodeProject): InstalledTree | null {
  const isPlain = manager.hasLock && manager.name !== 'pnpm' && !manager.isBerry;
  const hasOwn = [...manifest.ranges.values()].some((range) => /^(?:file:|link:|portal:|~?\.{0,2}\/)/.test(range));
  if (!isPlain || hasScripts || hasOwn || manifest.hasWorkspaces || installFolder !== '.') return null;
  const from = ['package.json', ...lockNames, '.npmrc', '.yarnrc', 'pnpm-workspace.yaml'];
  return { folder: 'node_modules', from, versions: ['node', manager.name] };
}

/**
 * What a declared buildCommand needs, which replaces all of that. pnpm and yarn are brought when its text, or the build script that it may call, names them: in the
 * version that the project asks for, else a usual one.
 */
function declared(command: string, project: NodeProject | null, recipe: BuildRecipe): BuildRecipe {
  const texts = [command, project?.manifest.scripts.get('build') ?? ''].join('\n');
  const brought = (['pnpm', 'yarn'] as const)
    .filter((name) => new RegExp(`\\b${name}\\b`).test(texts))
    .map((name): Requirement => {
      const asked = project?.manager.tool;
      return { kind: 'manager', tool: asked?.name === name ? asked : usualTool(name) };
    });
  return { ...recipe, requires: [...recipe.requires, ...brought] };
}

function settingsOf({ name, isBerry }: PackageManager): BuildRecipe['manager'] {
  return name === 'yarn' && isBerry ? 'yarn-berry' : name;
}
