import { readNodeProject } from './node-project.ts';
import { type Tool, usualTool } from './package-manager.ts';
import type { Recipe } from './recipe.ts';

/**
 * A declared buildCommand replaces all that a recipe would do. pnpm and yarn are brought when its text, or the build script that it may call,
 * names them: in the version that the project asks for, else a usual one.
 */
export async function declaredRecipe(command: string, folders: { top: string; at: string }): Promise<Recipe> {
  const project = await readNodeProject(folders.top, folders.at);
  const texts = [command, project?.manifest.scripts['build'] ?? ''].join('\n');
  const tools = (['pnpm', 'yarn'] as const)
    .filter((name) => new RegExp(`\\b${name}\\b`).test(texts))
    .map((name): Tool => (project?.manager.tool?.name === name ? project.manager.tool : usualTool(name)));
  return { steps: [{ title: 'Running buildCommand', command }], manager: project?.manager ?? null, tools };
}
