import type { ArtifactRuntime } from '../model/deploy.ts';
import type { BroughtTool } from '../model/garbage.ts';
import type { ServiceId } from '../model/service.ts';
import type { ServiceAccount } from '../runtime/port.ts';
import type { BuildRecipe, BuildStep } from '../model/build-recipe.ts';

/** What a build gets. The folder holds a fresh copy of the source that belongs to the service's user; the build changes it in place and it becomes the artifact. */
export interface BuildRequest {
  /** Unique for ever; repeating a build with a known id adopts the one that runs. */
  readonly id: string;
  readonly service: ServiceId;
  /** Absolute: the artifact's folder; the build works in `rootDir` under it. */
  readonly folder: string;
  readonly rootDir: string;
  /** What its language does, or the declared command. */
  readonly recipe: BuildRecipe;
  /** Only declared variables, by design. */
  readonly variables: Readonly<Record<string, string>>;
  readonly account: ServiceAccount;
}

/** What a build will do, decided before anything runs. No steps: nothing to build. */
export interface BuildPlan {
  readonly steps: readonly BuildStep[];
  /** Added to the variables (PATH, NODE_ENV, cache folders, registry settings of this machine). */
  readonly environment: Readonly<Record<string, string>>;
  /** Programs that were brought for it, for the log: `pnpm 9.15.0`. */
  readonly tools: readonly string[];
  /** What the user should know of the programs that it found, in sentences; a warning where a better one is missing. */
  readonly notes: readonly BuildNote[];
  /** What instances of the artifact get, beside what all do. */
  readonly runtime: ArtifactRuntime;
}

export interface BuildNote {
  readonly isWarning: boolean;
  readonly text: string;
}

/** Turns a source into an artifact. Drivers: `host/`, `simulated/`. */
export interface Builder {
  readonly name: string;

  /** Fetches missing tools; runs nothing of the user's. Throws KapalError `toolchain_missing`. */
  plan(request: BuildRequest): Promise<BuildPlan>;
}

/** The programs that builds of all services share. */
export interface ToolStore {
  /** Those of our own making, and what is left of them. What else lies there is nobody's to collect. */
  list(): Promise<readonly BroughtTool[]>;
  /** Removes one as it was listed; false where it was asked for since, or is gone. */
  remove(tool: BroughtTool): Promise<boolean>;
}
