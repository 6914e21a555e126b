import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { isMissing } from '../files.ts';
import { type CommitFacts, headFacts, listTracked } from './git-folder.ts';
import { findRepository } from './git-program.ts';
import { pathFault } from './paths.ts';
import { scanFolder } from './scan.ts';
import { type TreeEntry, treeDigest } from './tree.ts';
import { shown, TreeError } from './tree-error.ts';

/** Never part of a plain folder: what an install brings again, and git's own. */
const SKIPPED: ReadonlySet<string> = new Set(['node_modules', '.git']);

/** A folder as it will be sent. `notices` say in whole sentences what is left out. */
export interface FolderTree {
  readonly folder: string;
  readonly entries: readonly TreeEntry[];
  readonly digest: string;
  readonly git: CommitFacts | null;
  readonly notices: readonly string[];
}

/**
 * Reads what `kapal deploy FOLDER` sends: git's tracked and unignored files where the folder lies in a work tree, all but `node_modules` and `.git`
 * of a plain one. Throws TreeError for a folder that is none, or holds what a tree cannot.
 */
export async function readFolder(folder: string): Promise<FolderTree> {
  if (!isFolder(folder)) throw new TreeError('failed', `${shown(folder)} is not a folder`);
  const repository = await findRepository(folder);
  if (repository === null || repository.workTree === null)
    return folderTree(folder, { paths: listPlain(folder), git: null });
  const [tracked, git] = await Promise.all([listTracked(repository), headFacts(repository)]);
  // A folder that the repository around it ignores is a folder of its own.
  return tracked.length === 0
    ? folderTree(folder, { paths: listPlain(folder), git: null })
    : folderTree(folder, { paths: tracked, git });
}

function folderTree(folder: string, from: { paths: readonly string[]; git: CommitFacts | null }): FolderTree {
  const { entries, folders, special } = scanFolder(folder, from.paths);
  for (const { path } of entries) {
    const fault = pathFault(path);
    if (fault !== null) throw new TreeError('refused', `The path ${shown(path)} cannot be deployed: ${fault}`);
  }
  const notices = [
    ...folders.map((path) => `${shown(path)} is a git repository of its own (a submodule?) and is left out.`),
    ...special.map((path) => `${shown(path)} is no regular file and is left out.`),
  ];
  return { folder, entries, digest: treeDigest(entries), git: from.git, notices };
}

function listPlain(folder: string): readonly string[] {
  const paths: string[] = [];
  const visit = (prefix: string): void => {
    for (const entry of readdirSync(join(folder, prefix), { withFileTypes: true })) {
      if (SKIPPED.has(entry.name)) continue;
      if (entry.isDirectory()) visit(`${prefix}${entry.name}/`);
      else paths.push(`${prefix}${entry.name}`);
    }
  };
  visit('');
  return paths;
}

function isFolder(path: string): boolean {
  try {
    return statSync(path).isDirectory();
  } catch (error) {
    if (isMissing(error)) return false;
    throw error;
  }
}
