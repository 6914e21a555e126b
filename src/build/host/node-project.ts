import { dirname, relative } from 'node:path';
import { decideManager, lockNames, type LockName, type PackageManager } from './package-manager.ts';
import { headOf, type Manifest, readManifest } from './project-files.ts';

/** A folder with a package.json, and how its dependencies come. */
export interface NodeProject {
  readonly manifest: Manifest;
  readonly manager: PackageManager;
  /** Where the install runs, from the working folder: `.`, or `../..` in a workspace. */
  readonly installFolder: string;
  /** Something is to be installed at all. */
  readonly needsInstall: boolean;
}

/** Scripts that an install runs even without dependencies (npm docs, "Life Cycle Operation Order"). */
const INSTALL_SCRIPTS = ['preinstall', 'install', 'postinstall', 'prepublish', 'prepare'];

/** Reads the project at the working folder `at`, whose source begins at `top`; null without a package.json. */
export async function readNodeProject(top: string, at: string): Promise<NodeProject | null> {
  const manifest = await readManifest(at);
  if (manifest === null) return null;
  const root = (await readRoot(top, at)) ?? { folder: at, manifest };
  const manager = decideManager({
    packageManager: manifest.packageManager ?? root.manifest.packageManager,
    hasBuiltDependencies: manifest.hasBuiltDependencies || root.manifest.hasBuiltDependencies,
    ...(await readSigns(root.folder)),
  });
  const scripted = INSTALL_SCRIPTS.some((name) => manifest.scripts[name] !== undefined);
  const needsInstall = manager.hasLock || scripted || manifest.hasDependencies || manifest.hasWorkspaces;
  return { manifest, manager, needsInstall, installFolder: relative(at, root.folder) || '.' };
}

/** The root of the workspace that the folder is a part of: the nearest folder above that has workspaces, unless it has a lock file of its own. */
async function readRoot(top: string, at: string): Promise<{ folder: string; manifest: Manifest } | null> {
  if (await hasLock(at)) return null;
  for (let folder = at; folder !== top && folder !== dirname(folder); ) {
    folder = dirname(folder);
    const manifest = await readManifest(folder);
    if (manifest === null) continue;
    if (manifest.hasWorkspaces || (await headOf(folder, 'pnpm-workspace.yaml')) !== null) return { folder, manifest };
  }
  return null;
}

async function hasLock(folder: string): Promise<boolean> {
  const heads = await Promise.all(lockNames.map((name) => headOf(folder, name)));
  return heads.some((head) => head !== null);
}

async function readSigns(folder: string) {
  const read = async (name: LockName) => [name, await headOf(folder, name)] as const;
  const [locks, pnpmWorkspace, yarnSettings] = await Promise.all([
    Promise.all(lockNames.map(read)),
    headOf(folder, 'pnpm-workspace.yaml'),
    headOf(folder, '.yarnrc.yml'),
  ]);
  const heads = Object.fromEntries(locks) as Record<LockName, string | null>;
  return { locks: heads, pnpmWorkspace, hasYarnSettings: yarnSettings !== null };
}
