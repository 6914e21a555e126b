import { createHash, randomBytes } from 'node:crypto';
import { chmod, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { makeFolder, readIfThere, writeDurably } from '../lib/files.ts';

/** Where everything of one install lies. 0755 at the top so that services reach what they run; the daemon's own parts are 0700. */
export interface DataFolder {
  readonly root: string;
  readonly record: string;
  readonly logs: string;
  readonly keys: string;
  readonly sources: string;
  readonly git: string;
  readonly runs: string;
  readonly releases: string;
  readonly homes: string;
  readonly toolchain: string;
  readonly edge: string;
  /** The daemon's own log. */
  readonly daemonLog: string;
  /** What clients read to find the daemon. */
  readonly beacon: string;
  readonly socket: string;
}

/** Unix socket paths hold 107 bytes (unix(7), sun_path); a deep data folder gets a short one elsewhere. */
const longestSocket = 100;

export function dataFolder(root: string): DataFolder {
  const at = (...parts: string[]) => join(root, ...parts);
  const inside = at('kapal.sock');
  const short = createHash('sha256').update(root).digest('hex').slice(0, 16);
  return {
    root,
    record: at('record'),
    logs: at('logs'),
    keys: at('keys'),
    sources: at('sources'),
    git: at('git'),
    runs: at('runs'),
    releases: at('releases'),
    homes: at('homes'),
    toolchain: at('toolchain'),
    edge: at('edge'),
    daemonLog: at('logs', 'daemon.log'),
    beacon: at('daemon.json'),
    socket:
      Buffer.byteLength(inside) <= longestSocket
        ? inside
        : join('/tmp', `kapal-${process.getuid?.() ?? 0}-${short}`, 'kapal.sock'),
  };
}

export async function makeDataFolder(folder: DataFolder): Promise<void> {
  await makeFolder(folder.root, 0o755);
  for (const path of [folder.releases, folder.homes, folder.toolchain]) await makeOwn(path, 0o755);
  for (const path of [folder.record, folder.logs, folder.keys, folder.sources, folder.git, folder.runs])
    await makeOwn(path, 0o700);
  if (!folder.socket.startsWith(folder.root)) await makeOwn(join(folder.socket, '..'), 0o700);
}

/** A folder of that mode which is ours: one that another user prepared (in /tmp, say) is refused. */
async function makeOwn(path: string, mode: number): Promise<void> {
  await makeFolder(path, mode);
  const { uid } = await stat(path);
  if (process.getuid !== undefined && uid !== process.getuid()) throw new Error(`${path} belongs to another user`);
  await chmod(path, mode);
}

/** The token for the API over TCP, made once for each install. */
export async function apiToken(folder: DataFolder): Promise<string> {
  const path = join(folder.keys, 'api-token');
  const known = await readIfThere(path);
  if (known !== null && known.trim() !== '') return known.trim();
  const token = `kapal_${randomBytes(32).toString('base64url')}`;
  await writeDurably(path, `${token}\n`, 0o600);
  return token;
}
