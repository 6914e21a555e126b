import { readIfThere, writeDurably } from '../../lib/files.ts';
import { type EntryState, noEntries } from './entries.ts';

/** What init_by_lua reads at the start of nginx: `{version, set}`, `set` with the texts by key. Holds keys and digests of passwords, so only the master's user reads it. */
export async function writeState(path: string, state: EntryState): Promise<void> {
  await writeDurably(path, JSON.stringify({ version: state.version, set: Object.fromEntries(state.entries) }), 0o600);
}

/** The state on disk; none where there is no file. Throws where it is damaged. */
export async function readState(path: string): Promise<EntryState> {
  const text = await readIfThere(path);
  if (text === null) return noEntries;
  const read = JSON.parse(text) as { readonly version?: unknown; readonly set?: unknown };
  if (typeof read.version !== 'number' || typeof read.set !== 'object' || read.set === null)
    throw new Error(`${path} is no state of the edge`);
  const entries = Object.entries(read.set).filter((entry): entry is [string, string] => typeof entry[1] === 'string');
  return { version: read.version, entries: new Map(entries) };
}
