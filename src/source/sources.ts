import { randomBytes } from 'node:crypto';
import { chmod, readdir, readFile, rename, rm, stat, utimes } from 'node:fs/promises';
import { join } from 'node:path';
import type { Clock } from '../lib/clock.ts';
import { crashpoint } from '../lib/crashpoint.ts';
import { errorCode, exists, isMissing, makeFolder, syncFolder, writeDurably } from '../lib/files.ts';
import { copyTree, type Owner } from '../lib/tree/copy.ts';
import { defaultLimits, type TreeLimits } from '../lib/tree/paths.ts';
import { syncTree } from '../lib/tree/sync.ts';
import { isDigest, parseTree, textDigest, treeText } from '../lib/tree/tree.ts';
import { TreeWriter } from '../lib/tree/write.ts';
import { KapalError } from '../model/errors.ts';
import type { DeclarationFiles } from '../spec/files.ts';
import { storedFiles } from './declaration-files.ts';
import { createGitRemotes, type FetchedCommit, type FetchedRecord, type FetchRequest, type GitRemotes } from './git.ts';
import { type KeyPair, makeDeployKey } from './deploy-keys.ts';
import type { PushedCommit } from './repositories.ts';
import { asSourceError } from './source-error.ts';
import { unpackTar } from './unpack.ts';

export interface SourcesOptions {
  /** `DATA/sources`; made when it is missing, private to the daemon. */
  readonly folder: string;
  /** `DATA/git`, the cache of remotes. */
  readonly gitFolder: string;
  readonly clock: Clock;
  readonly limits?: TreeLimits;
  /** Trees that `collect` keeps although nothing uses them: the next deploy is often the last one again. 10 unless told. */
  readonly keep?: number;
}

/** Between the question whether a tree is there and the deploy that uses it. Milliseconds. */
const SPARED = 15 * 60_000;
const INCOMING = '.incoming-';

/**
 * Trees by their digest: `FOLDER/DIGEST/tree` is the canonical text, `FOLDER/DIGEST/files/` what it describes. A digest's folder is there
 * complete and on disk, or not at all. All methods throw KapalError.
 */
export class Sources {
  readonly #options: Required<SourcesOptions>;
  readonly #incoming = new Set<string>();
  readonly #remotes: GitRemotes;

  constructor(options: SourcesOptions) {
    this.#options = { limits: defaultLimits, keep: 10, ...options };
    this.#remotes = createGitRemotes({ folder: options.gitFolder });
  }

  /** Whether the tree is stored; it is then spared by `collect` for a quarter of an hour. */
  async has(digest: string): Promise<boolean> {
    const there = await exists(this.#folder(digest));
    if (there) await this.#touch(digest);
    return there;
  }

  /** Keeps the tree of a tar stream. `source_refused` when it is unsafe or has another digest, `source_too_large` over the limits. */
  async put(digest: string, tar: AsyncIterable<Uint8Array>): Promise<void> {
    this.#folder(digest);
    await this.#add(digest, (writer) => unpackTar(tar, writer, this.#options.limits));
  }

  /** Fetches a branch of a remote, or its default one, and keeps its tree. `notices` are whole sentences for the user. */
  async fetch(request: FetchRequest): Promise<FetchedRecord> {
    return this.#remotes.fetch(request, async (commit) => {
      const known = await commit.known();
      if (known !== null && (await this.has(known.record.digest))) return known;
      const found = await this.#addCommit(commit);
      await commit.remember(found);
      return found;
    });
  }

  /** Keeps the tree of a commit that was pushed to us. */
  async keep(pushed: PushedCommit, branch: string): Promise<FetchedRecord> {
    const { commit, author, subject } = pushed;
    const facts = { url: null, branch, commit, author, subject };
    return this.#addCommit({ facts, read: (writer) => pushed.read(writer) });
  }

  /** The paths that differ between two commits of a remote; null where it is not known: one of the two is not at hand. */
  changes(commits: {
    readonly url: string;
    readonly from: string;
    readonly to: string;
  }): Promise<readonly string[] | null> {
    return this.#remotes.changes(commits);
  }

  /** Makes a key pair for a remote that is reached by ssh. */
  makeKey(comment: string): Promise<KeyPair> {
    return makeDeployKey(join(this.#options.gitFolder, 'keys'), comment);
  }

  /** The files that declarations are read from. `not_found` when the tree is not stored. */
  async files(digest: string): Promise<DeclarationFiles> {
    const text = await readFile(join(this.#folder(digest), 'tree'), 'utf8').catch((error: unknown) => {
      throw isMissing(error) ? unknownTree(digest) : error;
    });
    return storedFiles(this.read(digest), parseTree(text));
  }

  /** The folder that holds the tree's files, absolute. Not to be written to. */
  read(digest: string): string {
    return join(this.#folder(digest), 'files');
  }

  /**
   * Makes `folder` a fresh copy of the tree that belongs to the owner and that no other user can read; what was there is removed first. Its
   * parent must be there, writable by the daemon alone. Nothing is at `folder` until all of it is.
   */
  async copyTo(digest: string, folder: string, owner: Owner | null): Promise<void> {
    const from = this.read(digest);
    if (!(await exists(from))) throw unknownTree(digest);
    const part = `${folder}.part`;
    try {
      await rm(part, { recursive: true, force: true });
      await copyTree({ from, to: part, owner });
      crashpoint('source.copied');
      if (owner !== null) await chmod(part, 0o750);
      await rm(folder, { recursive: true, force: true });
      await rename(part, folder);
      crashpoint('source.placed');
    } catch (error) {
      await rm(part, { recursive: true, force: true });
      throw asSourceError(error);
    }
  }

  /** Deletes trees that are not in use, but for the newest few and those that were just asked for; and what a dead daemon left half done. */
  async collect(inUse: ReadonlySet<string>, keep = this.#options.keep): Promise<void> {
    for (const name of await this.#garbage(() => inUse, keep)) await this.#remove(name);
  }

  /** Folders of what `collect` would delete. */
  async unused(inUse: () => ReadonlySet<string>): Promise<readonly string[]> {
    return (await this.#garbage(inUse, 0)).map((name) => join(this.#options.folder, name));
  }

  unusedMirrors(urls: ReadonlySet<string>): Promise<readonly string[]> {
    return this.#remotes.unused(urls);
  }

  removeMirror(path: string): Promise<void> {
    return this.#remotes.remove(path);
  }

  async #garbage(inUse: () => ReadonlySet<string>, keep: number): Promise<readonly string[]> {
    const { folder, clock } = this.#options;
    const names = await readdir(folder).catch((error: unknown) => {
      if (isMissing(error)) return [];
      throw error;
    });
    const used = inUse();
    const left = names.filter((name) => name.startsWith(INCOMING) && !this.#incoming.has(name));
    const aged = names.filter((name) => isDigest(name) && !used.has(name));
    const dated = await Promise.all(aged.map(async (name) => ({ name, at: (await stat(join(folder, name))).mtimeMs })));
    const old = dated.toSorted((a, b) => b.at - a.at).slice(keep);
    const gone = old.filter(({ at }) => at < clock.now() - SPARED).map(({ name }) => name);
    return [...left, ...gone];
  }

  async #addCommit(commit: Pick<FetchedCommit, 'facts' | 'read'>): Promise<FetchedRecord> {
    const notices: string[] = [];
    const digest = await this.#add(null, async (writer) => {
      notices.push(...(await commit.read(writer)));
    });
    const lfs = (await this.files(digest)).read('.gitattributes')?.includes('filter=lfs') === true;
    if (lfs) notices.push('The repository uses Git LFS: files kept there are deployed as the pointers to them.');
    return { record: { kind: 'git', digest, ...commit.facts }, notices };
  }

  /** Lets a writer be filled, then makes the tree stored. Answers its digest, which must be the expected one if there is one. */
  async #add(expected: string | null, fill: (writer: TreeWriter) => Promise<void>): Promise<string> {
    const name = `${INCOMING}${randomBytes(8).toString('hex')}`;
    const incoming = join(this.#options.folder, name);
    this.#incoming.add(name);
    try {
      await makeFolder(this.#options.folder, 0o700);
      await makeFolder(join(incoming, 'files'), 0o700);
      await chmod(join(incoming, 'files'), 0o755);
      const writer = new TreeWriter(join(incoming, 'files'), this.#options.limits);
      await fill(writer);
      const text = treeText(await writer.finish());
      const digest = textDigest(text);
      if (expected !== null && digest !== expected) throw otherTree(expected, digest);
      await writeDurably(join(incoming, 'tree'), text);
      await this.#keep(incoming, digest);
      return digest;
    } catch (error) {
      throw asSourceError(error);
    } finally {
      await rm(incoming, { recursive: true, force: true });
      this.#incoming.delete(name);
    }
  }

  async #keep(incoming: string, digest: string): Promise<void> {
    await syncTree(incoming);
    try {
      await rename(incoming, this.#folder(digest));
      crashpoint('source.stored');
    } catch (error) {
      // Stored already, by an earlier deploy or by another request at the same moment: equal digests are equal trees.
      if (!['ENOTEMPTY', 'EEXIST'].includes(errorCode(error) ?? '')) throw error;
    }
    await syncFolder(this.#options.folder);
    await this.#touch(digest);
  }

  async #touch(digest: string): Promise<void> {
    const seconds = this.#options.clock.now() / 1000;
    await utimes(this.#folder(digest), seconds, seconds);
  }

  /** Out of sight first, so that a daemon that dies meanwhile leaves no tree that lacks files. */
  async #remove(name: string): Promise<void> {
    const doomed = join(this.#options.folder, `${INCOMING}${randomBytes(8).toString('hex')}`);
    await rename(join(this.#options.folder, name), doomed);
    await rm(doomed, { recursive: true, force: true });
  }

  #folder(digest: string): string {
    if (isDigest(digest)) return join(this.#options.folder, digest);
    throw new KapalError('usage', 'A digest of a source has the form sha256- and 64 hexadecimal digits');
  }
}

function unknownTree(digest: string): KapalError {
  return new KapalError('not_found', `The source ${digest} is not stored`, { hint: 'Deploy again to send it.' });
}

function otherTree(expected: string, digest: string): KapalError {
  return new KapalError('source_refused', `The archive was announced as ${expected} and is ${digest}`, {
    hint: 'A file changed while it was sent. Run the command again.',
  });
}
