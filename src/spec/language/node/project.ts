import type { SourceFolder } from '../source-folder.ts';
import { decideManager, isKnownManager, lockNames, type LockName, type PackageManager } from './package-manager.ts';
import { type Package, soundPackage } from './package-json.ts';

/** A folder with a package.json, and how its dependencies come. */
export interface NodeProject {
  readonly manifest: Package;
  readonly manager: PackageManager;
  /** The field `packageManager` where it names none that is known: what only a build has to care for. */
  readonly unknownManager: string | null;
  /** Where the install runs, from the working folder: `.`, or `../..` in a workspace. */
  readonly installFolder: string;
  /** An install runs scripts of the project itself. */
  readonly hasScripts: boolean;
  /** Something is to be installed at all. */
  readonly needsInstall: boolean;
}

/** Scripts that an install runs even without dependencies (npm docs, "Life Cycle Operation Order"). */
const installScripts = ['preinstall', 'install', 'postinstall', 'prepublish', 'prepare'];

/** Null without a package.json. Throws `declaration_invalid` for a damaged one. */
export function readNodeProject(folder: SourceFolder): NodeProject | null {
  const manifest = soundPackage(folder);
  if (manifest === null) return null;
  const root = workspaceOf(folder) ?? { folder, manifest };
  const field = manifest.packageManager ?? root.manifest.packageManager;
  const manager = decideManager({
    packageManager: isKnownManager(field) ? field : null,
    hasBuiltDependencies: manifest.hasBuiltDependencies || root.manifest.hasBuiltDependencies,
    locks: locksOf(root.folder),
    pnpmWorkspace: root.folder.head('pnpm-workspace.yaml'),
    hasYarnSettings: root.folder.has('.yarnrc.yml'),
  });
  const hasScripts = installScripts.some((name) => manifest.scripts.has(name));
  return {
    manifest,
    manager,
    unknownManager: isKnownManager(field) ? null : field,
    hasScripts,
    needsInstall: manager.hasLock || hasScripts || manifest.hasDependencies || manifest.hasWorkspaces,
    installFolder: wayUp(folder.path, root.folder.path),
  };
}

/** The root of the workspace that the folder is a part of: the nearest folder above that has workspaces, unless it has a lock file of its own. */
export function workspaceOf(
  folder: SourceFolder,
): { readonly folder: SourceFolder; readonly manifest: Package } | null {
  if (Object.values(locksOf(folder)).some((head) => head !== null)) return null;
  for (let above = folder.above(); above !== null; above = above.above()) {
    const manifest = soundPackage(above);
    if (manifest !== null && (manifest.hasWorkspaces || above.has('pnpm-workspace.yaml')))
      return { folder: above, manifest };
  }
  return null;
}

function locksOf(folder: SourceFolder): Readonly<Record<LockName, string | null>> {
  // The cast: all lock names are among the keys.
  return Object.fromEntries(lockNames.map((name) => [name, folder.head(name)])) as Record<LockName, string | null>;
}

function wayUp(from: string, to: string): string {
  const depth = (path: string): number => (path === '.' ? 0 : path.split('/').length);
  return Array.from({ length: depth(from) - depth(to) }, () => '..').join('/') || '.';
}
