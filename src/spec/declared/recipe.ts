import type { ServiceType } from '../../model/service.ts';
import type { DeclarationFiles } from '../files.ts';
import { type Chosen, chooseLanguage, languageNamed } from '../language/choose.ts';
import { builtSite } from '../language/node/frameworks.ts';
import { isDamaged, type Package, readPackage } from '../language/node/package-json.ts';
import { otherLanguages, sitesIn } from '../language/others.ts';
import { SourceFolder } from '../language/source-folder.ts';
import { type Place, plainly, type Report } from '../report.ts';
import type { Commands, Runtime } from '../spec.ts';
import type { FoundService } from '../table/service.ts';

/** How a service is built and started: what was declared, and where nothing was, what its files tell. */
export interface Recipe {
  readonly runtime: Runtime | null;
  readonly rootDir: string;
  readonly commands: Commands;
  readonly publishPath: string | null;
}

export interface RecipeInput {
  readonly entry: FoundService;
  readonly type: ServiceType;
  readonly files: DeclarationFiles;
  readonly report: Report;
}

/** The shell's own word for success: a build that was declared to be nothing. */
const BUILD_NOTHING = 'true';

interface Seen extends RecipeInput {
  readonly folder: SourceFolder;
  readonly rootDir: string;
  readonly manifest: Package | null;
  readonly build: string | null;
}

export function recipeOf(input: RecipeInput): Recipe {
  const { entry, type, files, report } = input;
  if (type === 'proxy')
    return { runtime: null, rootDir: '.', commands: { build: null, preDeploy: null, start: null }, publishPath: null };
  const rootDir = entry.fields.rootDir?.value ?? seenRoot(input);
  const folder = new SourceFolder(files, rootDir);
  if (entry.fields.rootDir !== undefined && rootDir !== '.' && folder.list().length === 0) {
    report.refuse(entry.fields.rootDir.place, `the source has no folder ${plainly(rootDir)}`);
  }
  const written = entry.fields.buildCommand?.value;
  const build = written === '' ? BUILD_NOTHING : (written ?? null);
  const manifest = readPackage(folder);
  if (isDamaged(manifest))
    report.refuse(
      entry.fields.rootDir?.place ?? entry.place,
      `${manifest.file} ${manifest.message} (line ${manifest.line}, column ${manifest.column})`,
    );
  const seen: Seen = { ...input, folder, rootDir, build, manifest: isDamaged(manifest) ? null : manifest };
  if (isDamaged(manifest))
    return { runtime: 'node', rootDir, commands: { build, preDeploy: null, start: null }, publishPath: null };
  return type === 'static' ? siteRecipe(seen) : serverRecipe(seen);
}

/** Where the application stands, by its files: a package of a workspace. Render's file means the top where it names no folder. */
function seenRoot({ entry, type, files, report }: RecipeInput): string {
  if (type === 'static' || report.file === 'render.yaml' || wasRefused({ entry, report }, ['rootDir'])) return '.';
  const folder = new SourceFolder(files);
  if (isDamaged(readPackage(folder))) return '.';
  const declared = entry.fields.runtime?.value ?? entry.fields.env?.value;
  const plan = declared === undefined ? chooseLanguage(folder)?.plan : languageNamed(declared)?.plan(folder);
  return plan?.kind === 'server' ? plan.rootDir : '.';
}

function serverRecipe(seen: Seen): Recipe {
  const { entry, rootDir, build, report, type } = seen;
  const { preDeployCommand, startCommand, initialDeployHook } = entry.fields;
  const initialDeploy = initialDeployHook?.value || undefined;
  const chosen = languageOf(seen);
  const declared = startCommand?.value === '' ? undefined : startCommand?.value;
  const plan = chosen?.plan.kind === 'server' && chosen.plan.rootDir === '.' ? chosen.plan : null;
  const start = declared ?? plan?.start ?? null;
  // Whoever says how it starts has said what comes before it; and of several services of one source, one prepares its data.
  const usual = declared === undefined && seen.type === 'web' ? (plan?.preDeploy ?? null) : null;
  const path = `${entry.place.path}.startCommand`;
  if (start === null && !wasRefused(seen, ['runtime', 'env', 'rootDir', 'startCommand'])) {
    report.refuse({ ...(startCommand?.place ?? entry.place), path }, `is missing, and ${missing(seen, chosen)}`);
  }
  return {
    runtime: chosen?.language.runtime ?? 'node',
    rootDir,
    commands: {
      build,
      // A schedule migrates nothing by itself: that is for what it works beside.
      preDeploy: type === 'cron' ? null : preDeployCommand === undefined ? usual : preDeployCommand.value || null,
      start,
      ...(initialDeploy === undefined ? {} : { initialDeploy }),
    },
    publishPath: null,
  };
}

/** A language that was named has no file there that shows it. */
type Named = Omit<Chosen, 'evidence'> & { readonly evidence: Chosen['evidence'] | null };

function missing({ rootDir }: Seen, chosen: Named | null): string {
  if (chosen === null || (chosen.evidence === null && chosen.language.runtime === 'node'))
    return `there is no package.json in ${folderName(rootDir)}`;
  const { plan, evidence, language } = chosen;
  if (evidence === null) return `${folderName(rootDir)} has none of the files that tell how ${language.title} starts`;
  return plan.kind === 'unclear' ? `${evidence.file} ${plan.missing}` : `${evidence.file} has no start script`;
}

/** The declared language, else the one of the files; null where nothing tells (and, where that is wrong, was said). */
function languageOf(seen: Seen): Named | null {
  const { entry, folder, report } = seen;
  const declared = entry.fields.runtime?.value ?? entry.fields.env?.value;
  const named = declared === undefined ? null : languageNamed(declared);
  if (named !== null) {
    return { language: named, evidence: named.detect(folder), plan: named.plan(folder) };
  }
  const chosen = chooseLanguage(folder);
  if (chosen !== null || wasRefused(seen, ['runtime', 'env', 'rootDir'])) return chosen;
  const foreign = otherLanguages(folder);
  if (foreign.length > 0)
    report.refuse(
      { ...entry.place, path: `${entry.place.path}.runtime` },
      `is missing, and the files are of a language that this version of Kapal does not build: ${foreign.join(', ')}`,
    );
  return null;
}

/** A static site; it is built where its package.json has a build script, or a command is declared. */
function siteRecipe(seen: Seen): Recipe {
  const { entry, folder, rootDir, manifest, build, report } = seen;
  const site = manifest === null ? null : builtSite(folder, manifest);
  const builds = build === null ? manifest?.scripts.has('build') === true : build !== BUILD_NOTHING;
  const runtime = entry.fields.runtime?.value ?? entry.fields.env?.value ?? 'static';
  const declared = entry.fields.staticPublishPath;
  const publishPath =
    declared === undefined ? (site?.publishPath ?? onlySite(seen, builds)) : insideRoot(declared, rootDir, report);
  const path = `${entry.place.path}.staticPublishPath`;
  if (publishPath === null && !wasRefused(seen, ['rootDir', 'staticPublishPath']))
    report.refuse(
      { ...entry.place, path },
      `is missing, and the files in ${folderName(rootDir)} do not tell which folder is served`,
    );
  return { runtime, rootDir, commands: { build, preDeploy: null, start: null }, publishPath };
}

/** What is there before a build says nothing of what it writes. */
function onlySite({ folder }: Seen, builds: boolean): string | null {
  if (builds) return null;
  const [site, ...others] = sitesIn(folder);
  return site === undefined || others.length > 0 ? null : site;
}

/** Render's manual counts the path from the repository's top, its build from `rootDir`: both ways of writing are met. */
function insideRoot(
  declared: { readonly value: string; readonly place: Place },
  rootDir: string,
  report: Report,
): string {
  const { value, place } = declared;
  if (rootDir === '.' || !(value === rootDir || value.startsWith(`${rootDir}/`))) return value;
  const inside = value.slice(rootDir.length + 1) || '.';
  report.warn(
    place,
    `is counted from rootDir: ${plainly(value)} is taken as ${plainly(inside)} in ${plainly(rootDir)}`,
  );
  return inside;
}

function wasRefused({ entry, report }: Pick<Seen, 'entry' | 'report'>, fields: readonly string[]): boolean {
  return fields.some((field) => report.refusedBelow(`${entry.place.path}.${field}`));
}

function folderName(rootDir: string): string {
  return rootDir === '.' ? 'the source' : plainly(rootDir);
}
