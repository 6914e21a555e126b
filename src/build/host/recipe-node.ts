import type { BuildStep } from '../port.ts';
import { type NodeProject, readNodeProject } from './node-project.ts';
import { nothing, type Recipe } from './recipe.ts';

/**
 * Node: the dependencies by the project's own package manager, development ones too, then its `build` script. Nothing is pruned. A package.json
 * without dependencies and lock file needs no install, a folder without package.json needs nothing.
 */
export async function nodeRecipe(top: string, at: string): Promise<Recipe> {
  const project = await readNodeProject(top, at);
  return project === null ? nothing : recipeOf(project);
}

export function recipeOf({ manifest, manager, installFolder, needsInstall }: NodeProject): Recipe {
  const steps: BuildStep[] = [];
  if (needsInstall) {
    const note = manager.note === null ? '' : `; ${manager.note}`;
    const move = installFolder === '.' ? '' : `cd ${installFolder} && `;
    steps.push({ title: `Installing dependencies (${manager.install}${note})`, command: `${move}${manager.install}` });
  }
  if (manifest.scripts['build'] !== undefined) {
    steps.push({ title: `Building (${manager.build})`, command: manager.build });
  }
  return steps.length === 0 ? nothing : { steps, manager, tools: manager.tool === null ? [] : [manager.tool] };
}
