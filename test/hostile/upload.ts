import { type RawEntry, rawTar } from '../integration/source-tar.ts';
import type { Outcome, World } from './world.ts';

/** No tree has it: an archive that is otherwise sound fails by its digest alone, and the message says which it would be. */
export const NO_DIGEST = `sha256-${'0'.repeat(64)}`;

/** Sends an archive as the tree of this digest. */
export function put(world: World, tar: Uint8Array, digest = NO_DIGEST): Promise<Outcome> {
  return world.ask(`/sources/${digest}`, { method: 'PUT', tar });
}

/** Sends a folder as `kapal deploy FOLDER` does, and deploys it. */
export async function deployTree(world: World, entries: readonly RawEntry[], more: object = {}): Promise<Outcome> {
  const tar = rawTar(...entries);
  const asked = await put(world, tar);
  const digest = /and is (sha256-[0-9a-f]{64})/.exec(asked.said)?.[1];
  if (digest === undefined) return asked;
  const stored = await put(world, tar, digest);
  if (stored.code !== null) return stored;
  return world.deploy({ kind: 'folder', digest, name: 'trap', git: null }, more);
}
