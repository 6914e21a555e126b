import { chmodSync, readFileSync } from 'node:fs';
import { isMissing, writeDurably } from '../../lib/files.ts';
import type { RouteTable } from '../port.ts';

export const emptyTable: RouteTable = { version: 0, routes: [], pools: [], streams: [] };

/** The table on disk, or an empty one where there is none. Throws where it cannot be read or is no table. */
export function readTable(path: string): RouteTable {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    if (isMissing(error)) return emptyTable;
    throw error;
  }
  const table = JSON.parse(text) as Partial<RouteTable>;
  const { version, routes, pools, streams } = table;
  if (typeof version !== 'number' || !Array.isArray(routes) || !Array.isArray(pools) || !Array.isArray(streams)) {
    throw new Error(`${path} is no route table`);
  }
  return { version, routes, pools, streams };
}

/** Takes the JSON of a table. Readable by the workers' user whatever the daemon's umask: the folder keeps everybody else out, and the table names no secret. */
export async function writeTable(path: string, text: string): Promise<void> {
  await writeDurably(path, text, 0o644);
  chmodSync(path, 0o644);
}
