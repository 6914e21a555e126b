import { readNodeProject } from './node-project.ts';
import { nothing, type Recipe } from './recipe.ts';
import { recipeOf } from './recipe-node.ts';

/** A static site is built where its package.json has a `build` script, and served as it lies otherwise. */
export async function staticRecipe(top: string, at: string): Promise<Recipe> {
  const project = await readNodeProject(top, at);
  return project?.manifest.scripts['build'] === undefined ? nothing : recipeOf(project);
}
