import type { BuildStep, InstalledTree } from '../../../model/build-recipe.ts';
import type { SourceFolder } from '../source-folder.ts';
import { codeFiles } from './code-files.ts';
import type { PackageManager } from './package-manager.ts';
import type { NodeProject } from './project.ts';
import { type Started, startedBy } from './started.ts';
import { packagesOf } from './workspace.ts';

/** What becomes of development dependencies once the build is done, and why. */
export interface Pruning {
  readonly steps: readonly BuildStep[];
  /** Whole sentences. */
  readonly notes: readonly string[];
}

/** As users of Heroku know them, and npm's own word; a service that says that it is not in production has them too. */
const kept: NonNullable<BuildStep['unless']> = [
  { variable: 'NPM_CONFIG_PRODUCTION', is: 'false' },
  { variable: 'NPM_CONFIG_INCLUDE', is: 'dev' },
  { variable: 'YARN_PRODUCTION', is: 'false' },
  { variable: 'YARN2_SKIP_PRUNING', is: 'true' },
  { variable: 'PNPM_SKIP_PRUNING', is: 'true' },
  { variable: 'NODE_ENV', isNot: 'production' },
];

/** Programs of packages that are known to run without what they were built with. */
const servers = ['next', 'remix-serve', 'react-router-serve', 'prisma', 'cross-env', 'dotenv', 'pm2-runtime'];

/** Of the machine, or of the shell; none of them reads a package. */
const plain = [
  'cd',
  'echo',
  'true',
  ':',
  'export',
  'test',
  '[',
  'sleep',
  'wait',
  'mkdir',
  'cp',
  'ls',
  'printenv',
  'curl',
];

/** Those that compile at run time, by settings that name other packages. */
const compilers = [
  'ts-node',
  'tsx',
  '@babel/register',
  '@babel/node',
  '@swc-node/register',
  'esbuild-register',
  'sucrase',
];

/**
 * Development dependencies are removed after the build where nothing that runs can be seen to need one: every program that the commands start is known, and
 * no file of code that may run names one of them, in whatever way. In doubt they stay: a release that is too large runs, one that lacks a module does not.
 */
export function pruningOf(
  folder: SourceFolder,
  project: NodeProject,
  { commands, tree }: { readonly commands: readonly string[]; readonly tree: InstalledTree | null },
): Pruning {
  const { manifest, manager } = project;
  if (manifest.developmentOnly.size === 0 || commands.length === 0) return { steps: [], notes: [] };
  const why = sharedInstall(folder, project) ?? copiedAnew(project) ?? neededBy(folder, project, commands);
  const command = why === null ? pruneCommand(folder, manager) : null;
  if (command === null) {
    const reason = why ?? `this way of yarn (${manager.tool?.version ?? ''}) cannot remove them`;
    return { steps: [], notes: [`Development dependencies stay in the release: ${reason}.`] };
  }
  const title = `Removing development dependencies (${command}; the variable NPM_CONFIG_PRODUCTION=false keeps them)`;
  const note = 'Development dependencies are removed after the build, since nothing that runs names one of them';
  return {
    steps: [{ title, command, unless: kept, ...(tree === null ? {} : { thins: tree.folder }) }],
    notes: [`${note}. The variable NPM_CONFIG_PRODUCTION=false keeps them.`],
  };
}

function sharedInstall(folder: SourceFolder, { manifest, installFolder }: NodeProject): string | null {
  const isShared = installFolder !== '.' || manifest.hasWorkspaces || packagesOf(folder, manifest).length > 0;
  return isShared ? 'the packages of a workspace share one install' : null;
}

/** pnpm and yarn 2 and later take such a package from its folder again, without what its own install made in the first copy. */
function copiedAnew({ manifest, manager }: NodeProject): string | null {
  const found = [...manifest.ranges].find(([, range]) => /^(?:file|portal):(?!.*\.(?:tgz|tar\.gz)$)/.test(range));
  const isMended = manager.name === 'pnpm' || manager.isBerry;
  return isMended && found !== undefined ? `${manager.name} would take ${found[0]} from its folder again` : null;
}

/** Null where the manager has no such command: yarn 2 and 3 without a plugin, and yarn without the folder node_modules. */
function pruneCommand(folder: SourceFolder, { name, isBerry, tool }: PackageManager): string | null {
  switch (name) {
    case 'npm':
      return 'npm prune --omit=dev --ignore-scripts';
    case 'pnpm':
      return 'CI=true npm_config_ignore_scripts=true pnpm prune --prod';
    case 'yarn': {
      if (!isBerry)
        return 'yarn install --production=true --ignore-scripts --prefer-offline --frozen-lockfile --non-interactive';
      const hasFolder = /^nodeLinker:\s*["']?node-modules/m.test(folder.read('.yarnrc.yml') ?? '');
      return hasFolder && Number(tool?.version.split('.')[0]) >= 4 ? 'yarn workspaces focus --production' : null;
    }
  }
}

/** Follows `Development dependencies stay in the release: `. */
function neededBy(folder: SourceFolder, project: NodeProject, commands: readonly string[]): string | null {
  const { scripts } = project.manifest;
  const started: Started[] = [];
  for (const command of commands) {
    const found = startedBy(command, scripts);
    if (found === null) return `which programs "${command}" starts is not to be seen`;
    started.push(...found);
  }
  for (const one of started) {
    const why = one.program === 'node' ? byNode(one, project) : byProgram(one, { project, folder });
    if (why !== null) return why;
  }
  return byCode(folder, project, started);
}

function byProgram(
  { program }: Started,
  { project, folder }: { readonly project: NodeProject; readonly folder: SourceFolder },
): string | null {
  const { developmentOnly } = project.manifest;
  if (plain.includes(program)) return null;
  if (developmentOnly.has(program)) return `what is started calls ${program}, which is one of them`;
  if (!servers.includes(program)) return `what "${program}" needs at run time is not known`;
  const compiled = program === 'next' && folder.has('next.config.ts') && developmentOnly.has('typescript');
  return compiled ? 'next.config.ts is compiled by typescript, which is one of them, at each start' : null;
}

/** Modules that flags of Node load before the program (`node --help`). */
function byNode({ args }: Started, { manifest }: NodeProject): string | null {
  for (const [index, arg] of args.entries()) {
    const [, flag, value] = /^(-r|--require|--import|--loader|--experimental-loader)(?:=(.*))?$/.exec(arg) ?? [];
    const loaded = flag === undefined ? null : packageIn(value ?? args[index + 1] ?? '');
    if (loaded !== null && (manifest.developmentOnly.has(loaded) || compilers.includes(loaded)))
      return `node loads ${loaded} before it starts`;
    if (/^(?:-e|-p|--eval|--print|--run)\b/.test(arg)) return 'node is given code on its command line';
  }
  return null;
}

function byCode(folder: SourceFolder, { manifest }: NodeProject, started: readonly Started[]): string | null {
  const ran = new Set(started.flatMap(({ args }) => args.map(withoutDot)));
  if (started.some(({ program }) => program === 'next'))
    for (const ending of ['js', 'mjs', 'cjs']) ran.add(`next.config.${ending}`);
  const built = [...manifest.scripts].filter(([name]) => /^(?:pre|post)?build\b/.test(name));
  const but = new Set(built.flatMap(([, text]) => text.split(/[\s;&|]+/).map(withoutDot)));
  const files = codeFiles(folder, { also: ran, but });
  if (files === null) return 'there are too many files to look for what needs one';
  for (const file of files) {
    const text = folder.read(file);
    if (text === null) return `${folder.nameOf(file)} is too large to look for what it needs`;
    const name = namesIn(text).find((one) => manifest.developmentOnly.has(one) || compilers.includes(one));
    if (name !== undefined) return `${folder.nameOf(file)} names ${name}`;
  }
  return null;
}

function withoutDot(path: string): string {
  return path.replace(/^\.\//, '');
}

/** Names of packages among the texts in quotes: what is imported, required, or named to something that requires it (`client: 'sqlite3'`). */
function namesIn(text: string): readonly string[] {
  // Types are gone before anything runs.
  const running = text.replace(/^\s*import\s+type\s[^;'"]*['"][^'"]*['"]/gm, '');
  return [...running.matchAll(/["'`]((?:@[\w.-]+\/)?[A-Za-z0-9_][\w.-]*)(?:\/[^"'`\n]*)?["'`]/g)].flatMap(
    ([, name]) => name ?? [],
  );
}

function packageIn(path: string): string | null {
  return /^((?:@[\w.-]+\/)?[A-Za-z0-9_][\w.-]*)(?:\/|$)/.exec(path)?.[1] ?? null;
}
