import { readdirSync } from 'node:fs';
import { chmod, mkdir, readdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { crashpoint } from '../lib/crashpoint.ts';
import { exec, plainEnvironment } from '../lib/exec.ts';
import { isMissing, makeFolder, readIfThere, sweepTemporaries, syncFolder, writeDurably } from '../lib/files.ts';
import { isBranchName } from '../lib/tree/branch-name.ts';
import { commitFacts } from '../lib/tree/git-folder.ts';
import { readGitTree } from '../lib/tree/git-tree.ts';
import { shown } from '../lib/tree/tree-error.ts';
import type { TreeWriter } from '../lib/tree/write.ts';
import { KapalError } from '../model/errors.ts';
import { isName } from '../model/names.ts';
import { asSourceError } from './source-error.ts';
import { callBackend, type GitAnswer, type GitRequest } from './http-backend.ts';

/** A commit of a repository that is pushed to. */
export interface PushedCommit {
  readonly commit: string;
  readonly author: string;
  readonly subject: string;
  /** Writes the commit's tree; answers notices about what is left out. */
  read(writer: TreeWriter): Promise<readonly string[]>;
}

/** A commit by its object name, or whatever a branch is at. `quarantine`: name of the folder of objects of a push that is not taken yet. */
export type CommitPlace = { readonly commit: string; readonly quarantine: string | null } | { readonly branch: string };

export interface Receiving {
  readonly project: string;
  readonly request: GitRequest;
  /** Bytes that a push may bring; more is refused by git as it comes. Null for no bound. */
  readonly room: number | null;
  /** Where our hooks find the daemon: its Unix socket, and the path of this push below it. */
  readonly daemon: { readonly socket: string; readonly path: string };
}

/** Above every file of configuration. Whatever is pushed is stored; what of it is deployed, our hooks ask the daemon. */
const FIXED: readonly string[] = [
  'http.receivepack=true',
  'http.uploadpack=true',
  'http.getanyfile=false',
  'receive.denyNonFastForwards=false',
  'receive.denyDeletes=false',
  'receive.denyDeleteCurrent=ignore',
  'receive.advertisePushOptions=true',
  'receive.shallowUpdate=true',
  // Packs are kept as they come, so that their number tells when to put them together; and it is us who do so.
  'receive.unpackLimit=1',
  'receive.autogc=false',
  'gc.auto=0',
  'core.fsmonitor=false',
  'uploadpack.allowFilter=true',
];

/** As many packs are put together into one. */
const MANY_PACKS = 20;
const HOOKS = ['pre-receive', 'post-receive'] as const;
const QUARANTINE = /^(?:tmp_objdir-)?incoming-[A-Za-z0-9]+$/;
const OBJECT = /^(?:[0-9a-f]{40}|[0-9a-f]{64})$/;

/**
 * The bare repositories that are pushed to, `FOLDER/PROJECT.git`, and our hooks for all of them in `FOLDER/hooks`. Nothing in a repository is run or read as
 * configuration but what is written here: a push brings objects and refs only, and no file of its trees is ever checked out.
 */
export class PushedRepositories {
  readonly #folder: string;
  readonly #ending = new AbortController();

  /** `folder`: private to the daemon; made when it is missing. */
  constructor({ folder }: { readonly folder: string }) {
    this.#folder = folder;
  }

  /** Writes the hooks anew, and removes what dead pushes and removed projects left. `known`: the projects that have a repository. */
  async begin(known: ReadonlySet<string>): Promise<void> {
    await makeFolder(join(this.#folder, 'hooks'), 0o700);
    await sweepTemporaries(this.#folder);
    for (const hook of HOOKS) await this.#writeHook(hook);
    for (const name of await readdir(this.#folder)) {
      if (name === 'hooks') continue;
      const project = name.endsWith('.git') ? name.slice(0, -4) : null;
      if (project === null || !known.has(project)) await rm(join(this.#folder, name), { recursive: true, force: true });
      else await this.#sweep(project);
    }
  }

  /** Ends the pushes and fetches that are under way. */
  close(): void {
    this.#ending.abort();
  }

  /** Makes the repository of a project; one that is there is left as it is. */
  async make(project: string): Promise<void> {
    const gitDir = this.#gitDir(project);
    if ((await readIfThere(join(gitDir, 'HEAD'))) !== null) return;
    // Another name first: what is at its place is whole.
    const part = `${gitDir}.part`;
    await rm(part, { recursive: true, force: true });
    await mkdir(part, { recursive: true, mode: 0o700 });
    const made = await this.#git(part, ['init', '--quiet', '--bare', '--template=', '--', part]);
    if (!made.ok) throw gitMissing(made) ?? failed('prepare a repository', made.stderr);
    await rename(part, gitDir).catch(async (error: unknown) => {
      // Another push made it at the same moment.
      if ((await readIfThere(join(gitDir, 'HEAD'))) === null) throw error;
      await rm(part, { recursive: true, force: true });
    });
    await syncFolder(this.#folder);
    crashpoint('push.repository.made');
  }

  /** Which branch a clone checks out. */
  async point(project: string, branch: string): Promise<void> {
    const head = join(this.#gitDir(project), 'HEAD');
    const text = `ref: refs/heads/${branch}\n`;
    const before = await readIfThere(head);
    if (before !== null && before !== text) await writeDurably(head, text);
  }

  /** Lets git answer a request. */
  serve({ project, request, room, daemon }: Receiving): Promise<GitAnswer> {
    const hooks = join(this.#folder, 'hooks');
    const bound = room === null ? [] : [`receive.maxInputSize=${Math.max(1, Math.floor(room))}`];
    return callBackend({
      root: this.#folder,
      name: `${checked(project)}.git`,
      request,
      settings: [...FIXED, `core.hooksPath=${hooks}`, ...bound],
      environment: { ...hookEnvironment(), KAPAL_PUSH_SOCKET: daemon.socket, KAPAL_PUSH_PATH: daemon.path },
      signal: this.#ending.signal,
    });
  }

  /** A commit that was pushed; null where the branch is not there. Throws `source_failed` for an object that is no commit. */
  async commit(project: string, at: CommitPlace): Promise<PushedCommit | null> {
    const gitDir = this.#gitDir(project);
    const repository = { gitDir, workTree: null, prefix: '', quarantine: quarantineOf(gitDir, at) } as const;
    const facts = await commitFacts(repository, nameOf(at));
    if (facts === null) {
      if ('branch' in at) return null;
      throw new KapalError('source_failed', `what was pushed is no commit: ${shown(at.commit)}`);
    }
    return {
      ...facts,
      async read(writer) {
        try {
          const { submodules } = await readGitTree(repository, facts.commit, writer);
          return submodules.map((path) => `${shown(path)} is a submodule and is left out.`);
        } catch (error) {
          throw asSourceError(error);
        }
      },
    };
  }

  /** Puts the packs of many pushes together. What no branch leads to any more is kept for a day: a push may be about to name it. */
  async tidy(project: string): Promise<void> {
    const gitDir = this.#gitDir(project);
    const packs = await readdir(join(gitDir, 'objects', 'pack')).catch(() => []);
    if (packs.filter((name) => name.endsWith('.pack')).length < MANY_PACKS) return;
    // When it fails, the next push tries again.
    await this.#git(gitDir, ['--git-dir', gitDir, 'gc', '--quiet', '--prune=1.day.ago']);
  }

  /** Removes what pushes that were killed have left. For the moment when none of the project is under way: what is there when it is called is nobody's. */
  async clear(project: string): Promise<void> {
    const objects = join(this.#gitDir(project), 'objects');
    // At once: a push that begins in the next turn has a folder there too.
    const dead = foldersIn(objects).filter((name) => QUARANTINE.test(name));
    for (const name of dead) await rm(join(objects, name), { recursive: true, force: true });
  }

  async remove(project: string): Promise<void> {
    await rm(this.#gitDir(project), { recursive: true, force: true });
  }

  async #writeHook(hook: (typeof HOOKS)[number]): Promise<void> {
    const path = join(this.#folder, 'hooks', hook);
    const text = [
      '#!/bin/sh',
      '# Written by Kapal at each start of its daemon.',
      `exec "$KAPAL_PUSH_NODE" "$KAPAL_PUSH_HOOK" ${hook}`,
      '',
    ].join('\n');
    await writeDurably(path, text, 0o700);
    // Whatever the umask was.
    await chmod(path, 0o700);
  }

  /** A push that was killed leaves its objects in a folder of their own, and packs half received. */
  async #sweep(project: string): Promise<void> {
    const objects = join(this.#gitDir(project), 'objects');
    for (const folder of [objects, join(objects, 'pack')]) {
      const names = await readdir(folder).catch((error: unknown) => {
        if (isMissing(error)) return [];
        throw error;
      });
      for (const name of names)
        if (QUARANTINE.test(name) || name.startsWith('tmp_'))
          await rm(join(folder, name), { recursive: true, force: true });
    }
  }

  #git(cwd: string, args: readonly string[]) {
    const env = plainEnvironment({ GIT_CONFIG_NOSYSTEM: '1', GIT_CONFIG_GLOBAL: '/dev/null', HOME: this.#folder });
    const { signal } = this.#ending;
    return exec('git', ['-c', 'core.hooksPath=/dev/null', ...args], { cwd, env, timeout: 600_000, signal });
  }

  #gitDir(project: string): string {
    return join(this.#folder, `${checked(project)}.git`);
  }
}

function foldersIn(folder: string): readonly string[] {
  try {
    return readdirSync(folder);
  } catch (error) {
    if (isMissing(error)) return [];
    throw error;
  }
}

/** The name becomes a folder's. */
function checked(project: string): string {
  if (isName(project)) return project;
  throw new KapalError('name_invalid', `${shown(project)} is not the name of a project`, {
    hint: 'Use lower-case letters, digits and inner dashes, 40 at most: .../git/shop.git',
  });
}

function hookEnvironment(): Record<string, string> {
  const extension = import.meta.url.endsWith('.ts') ? 'ts' : 'js';
  const cache = process.env['NODE_COMPILE_CACHE'];
  return {
    KAPAL_PUSH_NODE: process.execPath,
    KAPAL_PUSH_HOOK: fileURLToPath(new URL(`./push-hook.${extension}`, import.meta.url)),
    ...(cache === undefined ? {} : { NODE_COMPILE_CACHE: cache }),
  };
}

/** Never a text of the pusher's that means more than one object to `cat-file --batch`. */
function nameOf(at: CommitPlace): string {
  if ('branch' in at && isBranchName(at.branch)) return `refs/heads/${at.branch}`;
  if ('commit' in at && OBJECT.test(at.commit)) return at.commit;
  throw new KapalError('source_refused', 'what was pushed has a name that git does not allow');
}

function quarantineOf(gitDir: string, at: CommitPlace): string | undefined {
  if (!('commit' in at) || at.quarantine === null) return undefined;
  if (QUARANTINE.test(at.quarantine)) return join(gitDir, 'objects', at.quarantine);
  throw new KapalError('source_refused', 'the objects of the push lie in no folder of its repository');
}

function gitMissing({ missing }: { readonly missing: boolean }): KapalError | null {
  if (!missing) return null;
  return new KapalError('source_failed', 'git is not installed on the machine of the daemon', {
    hint: 'Install it there: apt-get install git',
  });
}

function failed(what: string, said: string): KapalError {
  return new KapalError('source_failed', `git could not ${what}: ${said.replace(/\p{Cc}+/gu, ' ').trim()}`);
}
