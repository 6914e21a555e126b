import { lstat, readFile, realpath } from 'node:fs/promises';
import { dirname, join, relative } from 'node:path';
import { type ExecResult, exec, launch, killGroup, plainEnvironment } from '../exec.ts';
import { readIfThere } from '../files.ts';
import { TreeError } from './tree-error.ts';

/** A repository on this machine. `prefix` is the asked folder inside the work tree: `''` at its top, else with a slash at its end. */
export interface Repository {
  readonly gitDir: string;
  readonly workTree: string | null;
  readonly prefix: string;
  /** Folder of objects that were received and not taken yet (git-receive-pack(1), quarantine); looked at before the repository's own. */
  readonly quarantine?: string | undefined;
}

/** What a command of plumbing on objects needs to know of a repository. */
export type ObjectStore = Pick<Repository, 'gitDir' | 'quarantine'>;

/**
 * Settings of a repository's own configuration that would have git start programs, switched off. Content filters need no switch: only
 * plumbing is used that does not apply them.
 */
const QUIET = ['-c', 'core.fsmonitor=false', '-c', 'core.hooksPath=/dev/null', '--no-pager', '--no-optional-locks'];

/** What git may see. No transport at all: a partial clone would else fetch what is missing by whatever its configuration names. */
function gitEnvironment({ gitDir, quarantine }: ObjectStore): Record<string, string> {
  const { HOME, XDG_CONFIG_HOME } = process.env;
  return plainEnvironment({
    GIT_CONFIG_NOSYSTEM: '1',
    GIT_NO_REPLACE_OBJECTS: '1',
    GIT_ALLOW_PROTOCOL: 'none',
    GIT_TERMINAL_PROMPT: '0',
    ...(quarantine === undefined
      ? {}
      : { GIT_OBJECT_DIRECTORY: quarantine, GIT_ALTERNATE_OBJECT_DIRECTORIES: join(gitDir, 'objects') }),
    // The user's own ignore file.
    ...(HOME === undefined ? {} : { HOME }),
    ...(XDG_CONFIG_HOME === undefined ? {} : { XDG_CONFIG_HOME }),
  });
}

/**
 * The repository that a folder is, or lies in; null for a folder of no repository. Found here and given to git by `--git-dir`, because git's own
 * search refuses a repository of another user (`sudo kapal deploy`), which matters only to those who let it run hooks.
 */
export async function findRepository(folder: string): Promise<Repository | null> {
  const top = await realpath(folder);
  if (await isBare(top)) return { gitDir: top, workTree: null, prefix: '' };
  for (let at = top; ; at = dirname(at)) {
    if (await isGitDir(join(at, '.git'))) {
      const path = relative(at, top);
      return { gitDir: join(at, '.git'), workTree: at, prefix: path === '' ? '' : `${path}/` };
    }
    if (at === dirname(at)) return null;
  }
}

/** A folder with a HEAD, or the file that stands for one in linked work trees and submodules (gitrepository-layout(5)). */
async function isGitDir(path: string): Promise<boolean> {
  const stats = await lstat(path).catch(() => null);
  if (stats === null) return false;
  if (stats.isFile()) return (await readFile(path, 'utf8')).startsWith('gitdir:');
  return (await readIfThere(join(path, 'HEAD')).catch(() => null)) !== null;
}

async function isBare(folder: string): Promise<boolean> {
  const parts = ['HEAD', 'objects', 'refs'].map((name) => lstat(join(folder, name)).catch(() => null));
  const [head, objects, refs] = await Promise.all(parts);
  return head?.isFile() === true && objects?.isDirectory() === true && refs?.isDirectory() === true;
}

/** Runs a git command on a repository. The caller says what a failure means. */
export function git(repository: Repository, args: readonly string[], input?: string): Promise<ExecResult> {
  const cwd = repository.workTree === null ? repository.gitDir : join(repository.workTree, repository.prefix);
  return exec('git', [...repositoryArgs(repository), ...args], {
    cwd,
    env: gitEnvironment(repository),
    maxBytes: 256 * 1024 * 1024,
    timeout: 120_000,
    ...(input === undefined ? {} : { input }),
  });
}

function repositoryArgs({ gitDir, workTree }: Repository): string[] {
  return ['--git-dir', gitDir, ...(workTree === null ? [] : ['--work-tree', workTree]), ...QUIET];
}

/** The output of a git command as it comes. Ending the iteration early ends the program. */
export async function* gitOutput(
  repository: ObjectStore,
  args: readonly string[],
  input = '',
): AsyncGenerator<Uint8Array, void> {
  const program = ['--git-dir', repository.gitDir, ...QUIET, ...args];
  const child = launch('git', program, { env: gitEnvironment(repository), stdio: ['pipe', 'pipe', 'pipe'] });
  const { stdin, stdout, stderr } = child;
  if (stdin === null || stdout === null || stderr === null) throw new TypeError('git was started without pipes');
  const ended = new Promise<{ code: number | null }>((resolve) => {
    child.once('error', () => resolve({ code: null }));
    child.once('close', (code) => resolve({ code }));
  });
  let said = '';
  stderr.on('data', (piece: Buffer) => (said = `${said}${piece.toString()}`.slice(-2_000)));
  stdin.on('error', () => undefined);
  stdin.end(input);
  try {
    yield* stdout as AsyncIterable<Uint8Array>;
    const { code } = await ended;
    if (code !== 0)
      throw new TreeError('failed', `git ${args[0]} did not succeed: ${said.trim() || `exit code ${code}`}`);
  } finally {
    if (child.exitCode === null && child.signalCode === null) killGroup(child, 'SIGKILL');
    await ended;
  }
}
