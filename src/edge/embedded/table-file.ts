import { readFileSync } from 'node:fs';
import { isMissing } from '../../lib/files.ts';
import { writeOwned } from './owned-file.ts';
import type { WorkerAccount } from './launch.ts';
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
  const { version, routes, pools, streams, ...more } = table;
  if (typeof version !== 'number' || !Array.isArray(routes) || !Array.isArray(pools) || !Array.isArray(streams)) {
    throw new Error(`${path} is no route table`);
  }
  return { version, routes, pools, streams, ...more };
}

/** Takes the JSON of a table. It holds keys of cookies and digests of passwords: nobody but the workers' user reads it. */
export async function writeTable(path: string, text: string, owner: WorkerAccount | null = null): Promise<void> {
  await writeOwned(path, { content: text, owner });
}
