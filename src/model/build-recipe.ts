/** A shell command of the build that runs as the service's user, in order. */
export interface BuildStep {
  readonly title: string;
  readonly command: string;
  /** What it makes follows from some files alone, and may be taken from an earlier build. */
  readonly tree?: InstalledTree;
}

/** Paths are fixed words, relative to the working folder. */
export interface InstalledTree {
  /** What the step makes: `node_modules`. */
  readonly folder: string;
  /** What it is made from, whether it is there or not: `package.json`, `package-lock.json`, `.npmrc`. */
  readonly from: readonly string[];
  /** Programs whose version counts too. */
  readonly versions: readonly string[];
}

/** A program to bring from the registry. `hash` is what package.json demands of it. */
export interface ManagerTool {
  readonly name: 'pnpm' | 'yarn';
  readonly version: string;
  readonly hash: { readonly algorithm: string; readonly hex: string } | null;
}

/**
 * Node of a version in the range (node-semver), brought from the registry. `said`: what asks for it, as in `engines.node of package.json`; null where
 * nothing does, and any will do.
 */
export interface NodeRequirement {
  readonly kind: 'node';
  readonly range: string;
  readonly said: string | null;
}

/** A program of the machine's, the Debian packages that bring it, and what it is needed for. One of several, where any will do. */
export interface ProgramRequirement {
  readonly kind: 'program';
  readonly program: string;
  readonly packages: readonly string[];
  readonly why: string;
}

/** What build and instances need that may not be on PATH. */
export type Requirement =
  | NodeRequirement
  | ProgramRequirement
  | { readonly kind: 'manager'; readonly tool: ManagerTool };

/** What a build will do, decided from the source's files alone. No steps: nothing to build. */
export interface BuildRecipe {
  /** Dependencies first, then what is made with them. */
  readonly install: readonly BuildStep[];
  readonly build: readonly BuildStep[];
  readonly requires: readonly Requirement[];
  /** Folders inside the working folder that stand at the front of PATH, for build and instances: `.venv/bin`. */
  readonly path: readonly string[];
  /** Variables for build and instances; a declared one wins. */
  readonly environment: Readonly<Record<string, string>>;
  /** Variables that name a folder of the service's own cache, for builds: `{PIP_CACHE_DIR: 'pip'}`. */
  readonly caches: Readonly<Record<string, string>>;
  /** Settings of this package manager are wanted. */
  readonly manager: 'npm' | 'pnpm' | 'yarn' | 'yarn-berry' | null;
}

export const nothingToBuild: BuildRecipe = {
  install: [],
  build: [],
  requires: [],
  path: [],
  environment: {},
  caches: {},
  manager: null,
};
