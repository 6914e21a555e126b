import { delimiter, dirname, join } from 'node:path';
import type { BuildRecipe } from '../../model/build-recipe.ts';
import type { ArtifactRuntime } from '../../model/deploy.ts';
import type { Builder, BuildNote, BuildPlan, BuildRequest } from '../port.ts';
import { managerEnvironment } from './manager-environment.ts';
import { createNodeVersions } from './node-versions.ts';
import { npmMissing } from './npm.ts';
import { placing } from './placing.ts';
import { findBetter } from './optional.ts';
import { findProgram } from './programs.ts';
import { registrySettings } from './registry.ts';
import { reusing } from './reuse.ts';
import { createTools } from './tools.ts';
import type { ToolMarks } from './tool-store.ts';
import type { Toolchain } from './toolchain.ts';
import { unlessSaid } from './unless-said.ts';
import { workingFolder } from './working-folder.ts';

export interface HostBuilderOptions {
  readonly marks: ToolMarks;
  /** `DATA/toolchain`. */
  readonly folder: string;
  /** What `ensureToolchain` answered; asked at the first build, so that it may still be under way. */
  readonly toolchain: () => Promise<Toolchain>;
  /** The daemon's own environment: proxies, certificates. */
  readonly environment: Readonly<Record<string, string | undefined>>;
}

/** Builds on this machine. Plans only: the steps run as the service's user, by whoever asked. */
export function createHostBuilder(options: HostBuilderOptions): Builder {
  const registry = registrySettings(options);
  const tools = createTools({ ...options, registry });
  const versions = createNodeVersions({ ...options, registry });
  return {
    name: 'host',
    async plan(request) {
      const { recipe } = request;
      await workingFolder(request.folder, request.rootDir);
      const steps = [
        ...placing(recipe.files),
        ...[...recipe.install, ...recipe.build].map((step) => reusing(unlessSaid(step, request.variables))),
      ];
      if (steps.length === 0 && recipe.requires.length === 0) return idle;
      const brought = await bring(request, { tools, versions });
      const runtime = runtimeOf(request, brought);
      const { notes } = brought;
      if (steps.length === 0) return { ...idle, tools: brought.names, notes, runtime };
      const [toolchain, settings] = await Promise.all([options.toolchain(), registry()]);
      if (toolchain.npm === null && callsNpm(recipe)) throw npmMissing();
      const path = [...runtime.path, ...brought.bins, toolchain.bin, request.account.environment['PATH'] ?? ''];
      const environment = {
        ...managerEnvironment({ manager: recipe.manager, settings, home: request.account.home }),
        ...cachesOf(request),
        ...brought.environment,
        ...runtime.environment,
        PATH: path.filter((part) => part !== '').join(delimiter),
      };
      return {
        steps,
        environment: withoutDeclared(environment, request.variables),
        tools: brought.names,
        // What is installed may name the Node that installed it by its path.
        runtime: { ...runtime, tools: [...brought.tools, dirname(toolchain.bin)] },
        notes,
      };
    },
  };
}

/** By steps of ours: a declared command may do without. */
function callsNpm({ install, build }: BuildRecipe): boolean {
  return [...install, ...build].some(({ command }) => /^(?:cd \S+ && )?npm (?:ci|install|run)\b/.test(command));
}

const idle: BuildPlan = {
  steps: [],
  environment: {},
  tools: [],
  runtime: { path: [], environment: {}, about: null, tools: [] },
  notes: [],
};

interface Brought {
  /** Folders of programs for builds alone: package managers have a way of their own into the PATH of instances. */
  readonly bins: readonly string[];
  /** Folders of programs for instances too. */
  readonly path: readonly string[];
  readonly environment: Readonly<Record<string, string>>;
  readonly names: readonly string[];
  readonly about: string | null;
  /** Folders of what was brought. */
  readonly tools: readonly string[];
  readonly notes: readonly BuildNote[];
  /** Variables for instances too. */
  readonly found: Readonly<Record<string, string>>;
}

async function bring(
  { recipe, account }: BuildRequest,
  by: { tools: ReturnType<typeof createTools>; versions: ReturnType<typeof createNodeVersions> },
): Promise<Brought> {
  const found = { bins: [] as string[], path: [] as string[], names: [] as string[], tools: [] as string[] };
  const path = account.environment['PATH'] ?? '';
  let about: string | null = null;
  let environment: Readonly<Record<string, string>> = {};
  for (const need of recipe.requires) {
    switch (need.kind) {
      case 'manager': {
        const { place, bin } = await by.tools.ensure(need.tool);
        found.bins.push(bin);
        found.tools.push(place);
        found.names.push(`${need.tool.name} ${need.tool.version}`);
        break;
      }
      case 'node': {
        const { placed, about: words } = await by.versions.ensure(need);
        about = words;
        if (placed === null) break;
        found.path.push(placed.bin);
        found.tools.push(placed.place);
        environment = { ...environment, npm_config_nodedir: placed.place };
        found.names.push(words);
        break;
      }
      case 'program': {
        const program = await findProgram(need, path);
        if (program.place !== null) found.path.push(program.place);
        if (need.home !== undefined) environment = { ...environment, [need.home]: program.home };
      }
    }
  }
  const better = recipe.better === undefined ? null : await findBetter(recipe.better, path);
  const notes = better === null ? [] : [better.note];
  return { ...found, environment, about, notes, found: better?.environment ?? {} };
}

/** Folders of the artifact are named by where they lie: an artifact never moves. */
function runtimeOf({ recipe, rootDir, folder }: BuildRequest, brought: Brought): ArtifactRuntime {
  const own = recipe.path.map((path) => join(folder, rootDir, path));
  return {
    path: [...own, ...brought.path],
    environment: { ...recipe.environment, ...brought.found },
    about: brought.about,
    tools: brought.tools,
    ...(recipe.supervisor === undefined ? {} : { supervisor: recipe.supervisor }),
  };
}

function cachesOf({ recipe, account }: BuildRequest): Record<string, string> {
  return Object.fromEntries(
    Object.entries(recipe.caches).map(([name, folder]) => [name, join(account.home, '.cache', folder)]),
  );
}

/** What the user declares has the last word. */
function withoutDeclared(
  environment: Readonly<Record<string, string>>,
  declared: Readonly<Record<string, string>>,
): Record<string, string> {
  return Object.fromEntries(Object.entries(environment).filter(([name]) => !Object.hasOwn(declared, name)));
}
