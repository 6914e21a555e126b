import { stat } from 'node:fs/promises';
import { basename, resolve } from 'node:path';
import { failure } from '../../api/contract/exit.ts';
import { paths } from '../../api/contract/paths.ts';
import type { DeploySource } from '../../api/contract/types.ts';
import { findRepository } from '../../lib/tree/git-program.ts';
import { type FolderTree, readFolder } from '../../lib/tree/list.ts';
import { TreeError } from '../../lib/tree/tree-error.ts';
import type { Invocation } from '../command.ts';

export interface SourceRequest {
  /** A folder, a repository on this machine, or the URL of a remote. */
  readonly target: string;
  readonly branch: string | null;
  /** Says what is being done, and what is left out. */
  note(text: string): void;
}

/**
 * Makes a source known to the daemon. A folder is read here and sent, unless the daemon has the same tree already; so is a branch of a
 * repository on this machine, because the daemon reads no path that a client names. Remotes are left to the daemon. Throws KapalError.
 */
export async function resolveSource(invocation: Invocation, request: SourceRequest): Promise<DeploySource> {
  const { target, branch } = request;
  if (isRemote(target)) return { kind: 'git', url: target, branch };
  try {
    const isUrl = /^file:/i.test(target);
    const path = isUrl ? target : resolve(invocation.host.cwd, target);
    if (!isUrl) await requireFolder(path, target);
    if (isUrl || branch !== null || (await isBare(path))) return await sendBranch(invocation, request, path);
    const tree = await readFolder(path);
    return await send(invocation, request, { tree, name: basename(path) });
  } catch (error) {
    throw error instanceof TreeError ? asFailure(error) : error;
  }
}

/** URLs but for `file://`, git's short form `user@host:path`, and git's `transport::address`, which the daemon refuses by name. */
function isRemote(target: string): boolean {
  if (/^file:/i.test(target)) return false;
  return /^[a-z][a-z0-9+.-]*:(?:\/\/|:)/i.test(target) || /^[^/@:\s]+@[^/:\s]+:/.test(target);
}

/** Work on a folder that a person named; what cannot be read of it is said in our words. */
export async function onFolder<T>(
  path: string,
  { target, work }: { target: string; work: () => Promise<T> },
): Promise<T> {
  await requireFolder(path, target);
  return readingTree(work);
}

/** The same of a folder that is known to be there, or of a file in one. */
export async function readingTree<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw error instanceof TreeError ? asFailure(error) : error;
  }
}

async function requireFolder(path: string, target: string): Promise<void> {
  const stats = await stat(path).catch(() => null);
  if (stats?.isDirectory() === true) return;
  throw failure('usage', `${JSON.stringify(target)} is ${stats === null ? 'not there' : 'no folder'}`, {
    hint: 'Name a folder, or the URL of a git repository.',
  });
}

async function isBare(path: string): Promise<boolean> {
  const repository = await findRepository(path);
  return repository !== null && repository.workTree === null;
}

async function sendBranch(invocation: Invocation, request: SourceRequest, path: string): Promise<DeploySource> {
  const { localRepository, readBranch } = await import('../../lib/tree/branch.ts');
  const folder = (await localRepository(path)) ?? path;
  await using tree = await readBranch(folder, request.branch);
  return await send(invocation, request, { tree, name: tree.name });
}

async function send(
  { client, say }: Invocation,
  request: SourceRequest,
  { tree, name }: { tree: FolderTree; name: string },
): Promise<DeploySource> {
  const { digest, git, entries, notices } = tree;
  for (const notice of notices) request.note(notice);
  if (!(await client.has(paths.source(digest)))) {
    const bytes = entries.reduce((sum, entry) => sum + (entry.mode === 'link' ? 0 : entry.size), 0);
    request.note(say.sendingSource(entries.length, sizeText(bytes)));
    const { packTree } = await import('../../lib/tree/pack.ts');
    await client.upload(paths.source(digest), packTree(tree.folder, entries));
  }
  return { kind: 'folder', digest, name, git };
}

/** `512 B`, `1.4 kB`, `20 MB`. */
export function sizeText(bytes: number): string {
  const units = ['B', 'kB', 'MB', 'GB', 'TB'];
  let size = bytes;
  let unit = 0;
  for (; size >= 1_000 && unit < units.length - 1; unit += 1) size /= 1_000;
  return `${unit === 0 || size >= 10 ? Math.round(size) : size.toFixed(1)} ${units[unit]}`;
}

const codes = {
  refused: 'source_refused',
  'too-large': 'source_too_large',
  changed: 'source_failed',
  failed: 'source_failed',
} as const satisfies Record<TreeError['kind'], string>;

function asFailure(error: TreeError): Error {
  return failure(codes[error.kind], error.message, { hint: error.hint ?? undefined, cause: error });
}
