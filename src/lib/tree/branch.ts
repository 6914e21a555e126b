import { mkdtemp, realpath, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { isBranchName } from './branch-name.ts';
import { commitFacts, headFacts } from './git-folder.ts';
import { findRepository, git, type Repository } from './git-program.ts';
import { readGitTree } from './git-tree.ts';
import type { FolderTree } from './list.ts';
import { defaultLimits } from './paths.ts';
import { treeDigest } from './tree.ts';
import { shown, TreeError } from './tree-error.ts';
import { TreeWriter } from './write.ts';

/** A tree in a temporary folder, which is removed with it. `name` is the repository's own, without `.git`. */
export interface BranchTree extends FolderTree, AsyncDisposable {
  readonly name: string;
}

/** Where a repository on this machine lies when the text is a `file://` URL or the path of a bare repository; else null. */
export async function localRepository(text: string): Promise<string | null> {
  if (/^file:/i.test(text)) {
    if (!URL.canParse(text) || new URL(text).host !== '')
      throw new TreeError('refused', `${shown(text)} is not the URL of a local folder`);
    return fileURLToPath(text);
  }
  const there = await stat(text).catch(() => null);
  if (there?.isDirectory() !== true) return null;
  const repository = await findRepository(text);
  return repository?.workTree === null ? text : null;
}

/**
 * Reads a branch (or a tag) of a repository on this machine; without a name, what HEAD points at. Changes that are not committed are not
 * part of it. For a folder inside the work tree, that folder of the branch. Throws TreeError.
 */
export async function readBranch(folder: string, branch: string | null): Promise<BranchTree> {
  if (branch !== null && !isBranchName(branch)) throw notABranch(branch);
  const repository = await findRepository(folder).catch(() => null);
  if (repository === null) throw new TreeError('failed', `${shown(folder)} is not a git repository`);
  const facts = await resolveBranch(repository, branch);
  if (facts === null) throw await noSuchBranch(repository, folder, branch);
  const into = await mkdtemp(join(tmpdir(), 'kapal-branch-'));
  const dispose = () => rm(into, { recursive: true, force: true });
  try {
    const writer = new TreeWriter(into, defaultLimits);
    const treeish = repository.prefix === '' ? facts.commit : `${facts.commit}:${repository.prefix}`;
    const { submodules } = await readGitTree(repository, treeish, writer);
    const entries = await writer.finish();
    const notices = submodules.map((path) => `${shown(path)} is a submodule and is left out.`);
    const name = basename(await realpath(folder)).replace(/\.git$/, '');
    return {
      folder: into,
      entries,
      digest: treeDigest(entries),
      git: facts,
      notices,
      name,
      [Symbol.asyncDispose]: dispose,
    };
  } catch (error) {
    await dispose();
    throw error;
  }
}

async function resolveBranch(repository: Repository, branch: string | null): Promise<FolderTree['git']> {
  if (branch === null) return headFacts(repository);
  for (const name of [`refs/heads/${branch}`, `refs/tags/${branch}`, `refs/remotes/origin/${branch}`]) {
    const facts = await commitFacts(repository, name);
    if (facts !== null) return { ...facts, branch };
  }
  return null;
}

/** A newline would be a second question to cat-file, and `^`, `:`, `@{` another commit than the one named. */
function notABranch(name: string): TreeError {
  return new TreeError('refused', `${shown(name)} cannot be the name of a branch`, {
    hint: 'Name a branch or a tag of the repository, as in --branch main.',
  });
}

async function noSuchBranch(repository: Repository, folder: string, branch: string | null): Promise<TreeError> {
  if (branch === null) return new TreeError('failed', `The repository ${shown(folder)} has no commit yet`);
  const { stdout } = await git(repository, ['for-each-ref', '--format=%(refname:short)', '--count=20', 'refs/heads']);
  const names = stdout.split('\n').filter((name) => name !== '');
  const hint = names.length === 0 ? 'It has no branches yet.' : `It has: ${names.join(', ')}.`;
  return new TreeError('failed', `The repository ${shown(folder)} has no branch ${shown(branch)}`, { hint });
}
