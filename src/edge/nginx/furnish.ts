import { randomBytes } from 'node:crypto';
import { chmod, chown, mkdir } from 'node:fs/promises';
import { exists, writeDurably } from '../../lib/files.ts';
import type { WorkerAccount } from './account.ts';
import { runLines } from './config/run.ts';
import type { EdgeFolder } from './folder.ts';
import { makePlaceholder } from './placeholder.ts';

/**
 * Makes the folders. The workers' group may pass through the edge's folder, where its working directory is, and reach the Lua and `temp`; logs are opened by
 * the master, and keys and the control socket are the master's alone.
 */
export async function furnishFolder(folder: EdgeFolder, account: WorkerAccount | null): Promise<void> {
  const group = account?.gid ?? process.getgid?.() ?? 0;
  const passage = { group, mode: account === null ? 0o700 : 0o750 };
  const closed = { group: process.getgid?.() ?? 0, mode: 0o700 };
  await makeOwned(folder.path, passage);
  await makeOwned(folder.temp, passage);
  await makeOwned(folder.log, passage);
  await makeOwned(folder.certificates, closed);
  await makeOwned(folder.control, closed);
  await makePlaceholder(folder);
  if (!(await exists(folder.run))) await nameStart(folder);
}

/** Before each start of a master; resolves with the name of the start. */
export async function nameStart(folder: EdgeFolder): Promise<string> {
  const start = randomBytes(6).toString('hex');
  await writeDurably(folder.run, `${runLines(start).join('\n')}\n`, 0o644);
  return start;
}

async function makeOwned(path: string, owned: { readonly group: number; readonly mode: number }): Promise<void> {
  await mkdir(path, { recursive: true });
  await chown(path, process.getuid?.() ?? 0, owned.group);
  await chmod(path, owned.mode);
}
