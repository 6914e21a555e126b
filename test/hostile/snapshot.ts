import { createHash } from 'node:crypto';
import { lstatSync, readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';

/** What lies at each path: kind, mode, owner, and the digest of what it holds. */
export type Snapshot = ReadonlyMap<string, string>;

/** All that lies at and below these paths. Links are not followed; a path that is not there is not in it. */
export function snapshot(paths: readonly string[]): Snapshot {
  const found = new Map<string, string>();
  for (const path of paths) add(found, path);
  return found;
}

/** The paths that differ, in words. */
export function changes(before: Snapshot, after: Snapshot): string[] {
  const gone = [...before.keys()].filter((path) => !after.has(path)).map((path) => `${path} is gone`);
  const other = [...after].flatMap(([path, what]) => {
    const was = before.get(path);
    return was === what ? [] : [`${path} ${was === undefined ? 'is new' : 'was changed'}`];
  });
  return [...gone, ...other];
}

function add(found: Map<string, string>, path: string): void {
  const stats = lstatSync(path, { throwIfNoEntry: false });
  if (stats === undefined) return;
  const { mode, uid, gid } = stats;
  found.set(path, `${mode.toString(8)} ${uid}:${gid} ${contentOf(path, stats)}`);
  if (stats.isDirectory()) for (const name of namesIn(path)) add(found, join(path, name));
}

function contentOf(path: string, stats: NonNullable<ReturnType<typeof lstatSync>>): string {
  if (stats.isSymbolicLink()) return readlinkSync(path);
  if (!stats.isFile()) return '';
  try {
    return createHash('sha256').update(readFileSync(path)).digest('hex');
  } catch {
    // Another user's: an ordinary user sees size and time alone.
    return `${stats.size} ${stats.mtimeMs}`;
  }
}

function namesIn(path: string): string[] {
  try {
    return readdirSync(path);
  } catch {
    return [];
  }
}
