/**
 * Folders of a home's `.cache` that builds fill and that nothing reads at run time: they may go at any moment between two builds. Others are never
 * collected, such as yarn-berry, from which a program under Plug'n'Play loads its packages.
 */
export const buildCaches: readonly string[] = [
  'npm',
  'pnpm',
  'yarn',
  'kapal-installed',
  'pip',
  'uv',
  'poetry',
  'pipenv',
  'pdm',
  'go-build',
  'go-mod',
  'cargo',
  'cargo-target',
  'maven',
  'gradle',
  'bundle',
  'composer',
];

/** A shell command of the build that runs as the service's user, in order. */
export interface BuildStep {
  readonly title: string;
  readonly command: string;
  /** What it makes follows from some files alone, and may be taken from an earlier build. */
  readonly tree?: InstalledTree;
  /** It only takes folders and links out of this tree of an earlier step: which ones follows from the same files, and is remembered with it. */
  readonly thins?: InstalledTree['folder'];
  /** Left out where one of these holds of the declared variables. */
  readonly unless?: readonly VariableCondition[];
}

/** Of a variable that is there; names of the settings of npm are the same in small letters. */
export type VariableCondition =
  | { readonly variable: string; readonly is: string }
  | { readonly variable: string; readonly isNot: string };

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

/** A program of the machine's, the Debian packages that bring it, and what it is needed for. */
export interface ProgramRequirement {
  readonly kind: 'program';
  readonly program: string;
  readonly packages: readonly string[];
  readonly why: string;
  /** Absent: any version will do. */
  readonly version?: ProgramVersion;
  /** Absent: it is enough that the program is there. */
  readonly part?: ProgramPart;
  /** Folders beside PATH where it may lie too; `*` stands for any name or part of one, as in `/usr/lib/go-*` with `/bin` after it. */
  readonly places?: readonly string[];
  /** A variable for builds: what the program is a part of, the folder above its `bin`. `JAVA_HOME`. */
  readonly home?: string;
}

/** The first number with a dot that the program prints when it is called so, and which ones are asked for. */
export interface ProgramVersion {
  readonly args: readonly string[];
  /** node-semver. */
  readonly range: string;
  /** What asks for it, in words: `3.11 (.python-version)`. */
  readonly said: string;
  /** Other names under which such a version may be installed beside it: `python3.11`. */
  readonly also: readonly string[];
}

/** Something that the program may lack: a call that succeeds where it is there, and its name for people. */
export interface ProgramPart {
  readonly args: readonly string[];
  readonly name: string;
}

/** What build and instances need that may not be on PATH. */
export type Requirement =
  | NodeRequirement
  | ProgramRequirement
  | { readonly kind: 'manager'; readonly tool: ManagerTool };

/** A program that serves better, and without which the service runs too. */
export interface OptionalProgram {
  /** `php-fpm`: of that name, or with a number behind it (`php-fpm8.2`). */
  readonly program: string;
  /** Of Debian. */
  readonly packages: readonly string[];
  /** A variable of instances: where it lies. */
  readonly variable: string;
  /** How it says its version, and which will do. */
  readonly version: { readonly args: readonly string[]; readonly asks: VersionAsked };
  /** Absent: it is enough that the program is there. */
  readonly part?: ProgramPart;
}

/** A range of node-semver, or the first two numbers of the version of another program: `php`. */
export type VersionAsked =
  | { readonly kind: 'range'; readonly range: string }
  | { readonly kind: 'same'; readonly program: string };

/** Programs that are used together, or not at all. */
export interface BetterWay {
  readonly programs: readonly OptionalProgram[];
  /** What it means that they are there, and that one is not: whole sentences. */
  readonly present: string;
  readonly absent: string;
}

/** What a build will do, decided from the source's files alone. No steps: nothing to build. */
export interface BuildRecipe {
  /** Files of Kapal's own that the build writes first, below the working folder: paths of plain words, whole texts. */
  readonly files: readonly { readonly path: string; readonly text: string }[];
  /** Dependencies first, then what is made with them. */
  readonly install: readonly BuildStep[];
  readonly build: readonly BuildStep[];
  /** What a declared command, which takes the place of these steps, finds done: an environment that its `pip install` reaches. */
  readonly before: readonly BuildStep[];
  /** What is done after it: files that only the build needed are removed. */
  readonly after: readonly BuildStep[];
  readonly requires: readonly Requirement[];
  /** Folders inside the working folder that stand at the front of PATH, for build and instances: `.venv/bin`. */
  readonly path: readonly string[];
  /** Variables for build and instances; a declared one wins. */
  readonly environment: Readonly<Record<string, string>>;
  /** Variables that name a folder of the service's own cache, for builds: `{PIP_CACHE_DIR: 'pip'}`. */
  readonly caches: Readonly<Record<string, string>>;
  /** What the user should know of the build: whole sentences. */
  readonly notes: readonly string[];
  /** Settings of this package manager are wanted. */
  readonly manager: 'npm' | 'pnpm' | 'yarn' | 'yarn-berry' | null;
  /** Absent: there is none. */
  readonly better?: BetterWay;
  /** See `ArtifactRuntime`. */
  readonly supervisor?: string;
}

export const nothingToBuild: BuildRecipe = {
  files: [],
  install: [],
  build: [],
  before: [],
  after: [],
  requires: [],
  path: [],
  environment: {},
  caches: {},
  notes: [],
  manager: null,
};
