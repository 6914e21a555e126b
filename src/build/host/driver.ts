import { delimiter } from 'node:path';
import type { Builder, BuildPlan, BuildRequest } from '../port.ts';
import { managerEnvironment } from './manager-environment.ts';
import { workingFolder } from './project-files.ts';
import type { Recipe } from './recipe.ts';
import { declaredRecipe } from './recipe-declared.ts';
import { nodeRecipe } from './recipe-node.ts';
import { staticRecipe } from './recipe-static.ts';
import { registrySettings } from './registry.ts';
import { createTools, npmMissing } from './tools.ts';
import type { Toolchain } from './toolchain.ts';

export interface HostBuilderOptions {
  /** `DATA/toolchain`. */
  readonly folder: string;
  /** What `ensureToolchain` answered; asked at the first build, so that it may still be under way. */
  readonly toolchain: () => Promise<Toolchain>;
  /** The daemon's own environment: proxies, certificates. */
  readonly environment: Readonly<Record<string, string | undefined>>;
}

/** Builds on this machine, by recipes. Plans only: the steps run as the service's user, by whoever asked. */
export function createHostBuilder(options: HostBuilderOptions): Builder {
  const registry = registrySettings(options);
  const tools = createTools({ ...options, registry });
  return {
    name: 'host',
    async plan(request) {
      const recipe = await recipeFor(request);
      if (recipe.steps.length === 0) return { steps: [], environment: {}, tools: [] };
      const [toolchain, settings] = await Promise.all([options.toolchain(), registry()]);
      if (toolchain.npm === null && request.command === null) throw npmMissing();
      const bins: string[] = [];
      for (const tool of recipe.tools) bins.push(await tools.ensure(tool));
      const path = [...bins, toolchain.bin, request.account.environment['PATH'] ?? ''].filter((part) => part !== '');
      const environment = {
        PATH: path.join(delimiter),
        ...managerEnvironment({ manager: recipe.manager, settings, home: request.account.home }),
      };
      return {
        steps: recipe.steps,
        environment: withoutDeclared(environment, request.variables),
        tools: recipe.tools.map(({ name, version }) => `${name} ${version}`),
      } satisfies BuildPlan;
    },
  };
}

async function recipeFor(request: BuildRequest): Promise<Recipe> {
  const at = await workingFolder(request.folder, request.rootDir);
  const top = await workingFolder(request.folder, '.');
  if (request.command !== null) return declaredRecipe(request.command, { top, at });
  switch (request.runtime) {
    case 'node':
      return nodeRecipe(top, at);
    case 'static':
      return staticRecipe(top, at);
  }
}

/** What the user declares has the last word. */
function withoutDeclared(
  environment: Readonly<Record<string, string>>,
  declared: Readonly<Record<string, string>>,
): Record<string, string> {
  return Object.fromEntries(Object.entries(environment).filter(([name]) => !Object.hasOwn(declared, name)));
}
