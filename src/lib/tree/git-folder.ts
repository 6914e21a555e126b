import { git, type Repository } from './git-program.ts';
import { TreeError } from './tree-error.ts';

/** The commit that a folder or a branch is at. `author` is `Name <email>`; `branch` is null where HEAD is detached. */
export interface CommitFacts {
  readonly commit: string;
  readonly branch: string | null;
  readonly author: string;
  readonly subject: string;
}

/**
 * Git's tracked and unignored files of the folder, relative to it; deleted ones too, and submodules as the paths of their folders. An untracked
 * `node_modules` is left out even where no `.gitignore` says so.
 */
export async function listTracked(repository: Repository): Promise<readonly string[]> {
  const wanted = ['--cached', '--others', '--exclude-standard', '--exclude=node_modules/'];
  const result = await git(repository, ['ls-files', '-z', ...wanted]);
  if (result.missing)
    throw new TreeError('failed', 'The folder is a git repository, and git is not installed', { hint: 'Install git.' });
  if (!result.ok || result.truncated)
    throw new TreeError('failed', `git could not list the folder: ${result.stderr.trim()}`);
  const paths = result.stdout.split('\0').filter((path) => path !== '');
  // During a merge a file in conflict is listed once for each side.
  return [...new Set(paths.map((path) => path.replace(/\/$/, '')))];
}

/** The facts of the commit that is checked out; null before the first. Says nothing of changes that are not committed. */
export async function headFacts(repository: Repository): Promise<CommitFacts | null> {
  const [facts, branch] = await Promise.all([
    commitFacts(repository, 'HEAD'),
    git(repository, ['symbolic-ref', '--quiet', '--short', 'HEAD']),
  ]);
  return facts === null ? null : { ...facts, branch: branch.ok ? branch.stdout.trim() : null };
}

/** The facts of a commit by its name; null where there is none. Plumbing: `git log` would start the repository's own gpg.program. */
export async function commitFacts(repository: Repository, name: string): Promise<Omit<CommitFacts, 'branch'> | null> {
  const { ok, stdout } = await git(repository, ['cat-file', '--batch'], `${name}^{commit}\n`);
  const commit = /^([0-9a-f]{40,64}) commit \d+\n/.exec(stdout);
  if (!ok || commit?.[1] === undefined) return null;
  return { commit: commit[1], ...parseCommit(stdout.slice(commit[0].length)) };
}

/** Author and first line of a commit object (gitformat: headers, an empty line, the message). */
function parseCommit(text: string): { author: string; subject: string } {
  const end = text.indexOf('\n\n');
  const head = end === -1 ? text : text.slice(0, end);
  const author = /^author (.*?>)/m.exec(head)?.[1] ?? '';
  const subject =
    end === -1
      ? ''
      : (text
          .slice(end + 2)
          .trimStart()
          .split('\n')[0] ?? '');
  return { author: printable(author, 200), subject: printable(subject, 200) };
}

/** The text of strangers goes to terminals: no control characters, no change of writing direction. */
function printable(text: string, length: number): string {
  return text
    .replace(/[\p{Cc}\u202A-\u202E\u2066-\u2069]/gu, ' ')
    .trim()
    .slice(0, length)
    .toWellFormed();
}
