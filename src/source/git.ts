import { createHash } from 'node:crypto';
import { mkdir, readdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { crashpoint } from '../lib/crashpoint.ts';
import { isMissing, readIfThere, writeDurably } from '../lib/files.ts';
import { commitFacts } from '../lib/tree/git-folder.ts';
import { git } from '../lib/tree/git-program.ts';
import { readGitTree } from '../lib/tree/git-tree.ts';
import { isDigest } from '../lib/tree/tree.ts';
import { shown } from '../lib/tree/tree-error.ts';
import type { TreeWriter } from '../lib/tree/write.ts';
import { Turns } from '../lib/turns.ts';
import type { SourceRecord } from '../model/deploy.ts';
import { KapalError } from '../model/errors.ts';
import { asSourceError } from './source-error.ts';
import { type GitUrl, parseGitUrl } from './git-url.ts';
import { sshAccess } from './ssh-key.ts';
import { branchRefs, type RemoteRef, remoteRef } from './git-refs.ts';
import { gitFailure, remoteGit, type RemoteCall } from './git-transport.ts';

export type FetchedRecord = { readonly record: SourceRecord; readonly notices: readonly string[] };

/** A commit that lies in the cache. */
export interface FetchedCommit {
  readonly facts: Omit<SourceRecord, 'kind' | 'digest'>;
  /** What was remembered for this very commit of this branch, or null. */
  known(): Promise<FetchedRecord | null>;
  remember(found: FetchedRecord): Promise<void>;
  /** Writes the commit's tree; answers notices about what is left out. */
  read(writer: TreeWriter): Promise<readonly string[]>;
}

export interface FetchRequest {
  readonly url: string;
  readonly branch: string | null;
  readonly signal: AbortSignal;
  /** Private key in the form of OpenSSH, for a remote that is reached by ssh. */
  readonly key?: string;
}

export interface GitRemotes {
  /**
   * Brings the newest commit of a branch (null: of the default one) and lets it be used; until that has ended nobody else changes the cache of
   * the same URL. Throws KapalError `source_refused` or `source_failed`.
   */
  fetch<T>(request: FetchRequest, use: (commit: FetchedCommit) => Promise<T>): Promise<T>;
  /** Folders of the caches of other remotes than these, none of which is being changed. */
  unused(urls: ReadonlySet<string>): Promise<readonly string[]>;
  /** Deletes a cache, after whatever changes it. The next fetch begins anew. */
  remove(path: string): Promise<void>;
  /** Paths that differ between two commits; null where one of them is not in the cache. */
  changes(commits: {
    readonly url: string;
    readonly from: string;
    readonly to: string;
  }): Promise<readonly string[] | null>;
}

/** The one ref of a cache: objects that it does not reach may go. */
const FETCHED = 'refs/kapal/fetched';
/** Each fetch leaves a pack. */
const MANY_PACKS = 20;

/** A cache of remotes: a bare repository for each URL below `folder`, of one commit's depth. Never holds a password. */
export function createGitRemotes({ folder }: { folder: string }): GitRemotes {
  const turns = new Turns();
  return {
    async fetch({ url, branch, signal, key }, use) {
      const remote = parseGitUrl(url);
      const gitDir = cacheOf(folder, remote);
      const refs = branchRefs(branch);
      return turns.take(gitDir, async () => {
        await using ssh = key === undefined ? null : await sshAccess(join(folder, 'keys'), key);
        const call = { gitDir, remote, signal, ...(ssh === null ? {} : { ssh: ssh.environment }) };
        return await use(await fetchCommit(call, { branch, refs }));
      });
    },
    async changes({ url, from, to }) {
      if (![from, to].every((oid) => /^[0-9a-f]{40,64}$/.test(oid))) return null;
      const gitDir = cacheOf(folder, parseGitUrl(url));
      const words = ['diff-tree', '-r', '-z', '--name-only', '--no-renames', from, to];
      const { ok, truncated, stdout } = await git(asRepository(gitDir), words);
      return ok && !truncated ? stdout.split('\0').filter((path) => path !== '') : null;
    },
    async unused(urls) {
      const names = await readdir(folder).catch((error: unknown) => {
        if (isMissing(error)) return [];
        throw error;
      });
      const used = new Set([...urls].map(nameOf));
      return names
        .filter((name) => cacheName.test(name) && !used.has(name) && !turns.has(join(folder, name)))
        .map((name) => join(folder, name));
    },
    remove: (path) => turns.take(path, () => removeCache(path)),
  };
}

/** A cache that is half removed has a name of its own, under which nobody fetches. */
async function removeCache(path: string): Promise<void> {
  const gone = path.endsWith('.gone') ? path : `${path}.gone`;
  if (gone !== path) {
    await rm(gone, { recursive: true, force: true });
    await rename(path, gone).catch((error: unknown) => {
      if (!isMissing(error)) throw error;
    });
    crashpoint('gc.mirror.renamed');
  }
  await rm(gone, { recursive: true, force: true });
}

const cacheName = /^[0-9a-f]{32}(?:\.gone)?$/;

/** By the URL as it is shown, which stands on the releases too. */
function nameOf(shownUrl: string): string {
  return createHash('sha256').update(shownUrl).digest('hex').slice(0, 32);
}

function cacheOf(folder: string, { shown: name }: GitUrl): string {
  return join(folder, nameOf(name));
}

async function fetchCommit(
  call: RemoteCall,
  wanted: { branch: string | null; refs: readonly string[] },
): Promise<FetchedCommit> {
  await makeCache(call);
  const ref = await remoteRef(call, wanted);
  const [before] = (await readIfThere(join(call.gitDir, 'kapal-fetched')))?.split('\n') ?? [];
  if (before !== `${ref.name} ${ref.oid}`) await bring(call, ref);
  const commit = await commitFacts(asRepository(call.gitDir), FETCHED);
  if (commit === null) throw new KapalError('source_failed', `${ref.name} of ${call.remote.shown} is no commit`);
  return fetchedCommit(call, ref, commit);
}

async function makeCache(call: RemoteCall): Promise<void> {
  if ((await readIfThere(join(call.gitDir, 'HEAD'))) !== null) return;
  // Private: another service's code lies in it.
  await mkdir(call.gitDir, { recursive: true, mode: 0o700 });
  const made = await remoteGit(call, ['init', '--quiet', '--bare', '--template=', '--', call.gitDir]);
  if (!made.ok) throw gitFailure(call, made, 'prepare the cache for');
}

async function bring(call: RemoteCall, ref: RemoteRef): Promise<void> {
  const fetch = async (depth: readonly string[]) => {
    const options = ['--quiet', '--force', '--no-tags', '--no-recurse-submodules', '--no-auto-gc', ...depth];
    return remoteGit(call, ['fetch', ...options, '--', call.remote.shown, `+${ref.name}:${FETCHED}`]);
  };
  let result = await fetch(['--depth=1']);
  if (!result.ok && /does not support shallow/.test(result.stderr)) result = await fetch([]);
  if (!result.ok && /\.lock'|corrupt|bad object|shallow file/i.test(result.stderr) && !call.signal.aborted) {
    // A git that was killed left the cache half written: it is only a cache.
    await rm(call.gitDir, { recursive: true, force: true });
    await makeCache(call);
    result = await fetch(['--depth=1']);
  }
  if (!result.ok) throw gitFailure(call, result, 'fetch');
  await writeDurably(join(call.gitDir, 'kapal-fetched'), `${ref.name} ${ref.oid}\n`);
  await shrink(call);
}

async function shrink(call: RemoteCall): Promise<void> {
  const packs = await readdir(join(call.gitDir, 'objects', 'pack')).catch(() => []);
  if (packs.filter((name) => name.endsWith('.pack')).length < MANY_PACKS) return;
  // When it fails, the next fetch tries again.
  await remoteGit(call, ['gc', '--quiet', '--prune=now']);
}

function fetchedCommit(
  { gitDir, remote }: RemoteCall,
  ref: RemoteRef,
  commit: { commit: string; author: string; subject: string },
): FetchedCommit {
  const memory = join(gitDir, 'kapal-record');
  const facts = { url: remote.shown, branch: ref.branch, ...commit };
  return {
    facts,
    async known() {
      const found = parseRecord(await readIfThere(memory));
      return found?.record.commit === commit.commit ? { ...found, record: { ...found.record, ...facts } } : null;
    },
    async remember(found) {
      await writeDurably(memory, JSON.stringify(found));
    },
    async read(writer) {
      try {
        const { submodules } = await readGitTree({ gitDir }, commit.commit, writer);
        return submodules.map((path) => `${shown(path)} is a submodule and is left out.`);
      } catch (error) {
        throw asSourceError(error);
      }
    },
  };
}

/** What `remember` wrote; null for anything else, which only costs reading the tree again. */
function parseRecord(text: string | null): FetchedRecord | null {
  try {
    const found = JSON.parse(text ?? 'null') as FetchedRecord | null;
    return found !== null && isDigest(found.record.digest) && Array.isArray(found.notices) ? found : null;
  } catch {
    return null;
  }
}

function asRepository(gitDir: string) {
  return { gitDir, workTree: null, prefix: '' } as const;
}
