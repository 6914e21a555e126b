import { createHash, randomBytes } from 'node:crypto';
import { chmod, lstat, rmdir, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { makeFolder, readIfThere, writeDurably, sweepTemporaries } from '../lib/files.ts';
import { KapalError } from '../model/errors.ts';

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
  /** Folders of services that outlive their releases. */
  readonly disks: string;
  readonly toolchain: string;
  readonly edge: string;
  readonly edgeNginx: string;
  /** A file of room that is given up when the disk is full to its end. */
  readonly ballast: string;
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
    disks: at('disks'),
    toolchain: at('toolchain'),
    edge: at('edge'),
    edgeNginx: at('edge-nginx'),
    ballast: at('ballast'),
    daemonLog: at('logs', 'daemon.log'),
    beacon: at('daemon.json'),
    socket:
      Buffer.byteLength(inside) <= longestSocket
        ? inside
        : join('/tmp', `kapal-${process.getuid?.() ?? 0}-${short}`, 'kapal.sock'),
  };
}

/** Throws KapalError `usage` for a path that cannot be a data folder, `forbidden` where a part of it is not ours. */
export async function makeDataFolder(folder: DataFolder): Promise<void> {
  // Services find their Node in it by PATH, whose folders a colon parts (POSIX.1-2017, XBD 8.3).
  if (/[:\n]/.test(folder.root)) {
    throw new KapalError(
      'usage',
      `the data folder cannot be ${JSON.stringify(folder.root)}: its path holds a colon or a line break`,
      {
        hint: 'Choose another one with --data.',
      },
    );
  }
  await makeFolder(folder.root, 0o755);
  for (const path of [folder.releases, folder.homes, folder.disks, folder.toolchain]) await makeOwn(path, 0o755);
  for (const path of [folder.record, folder.logs, folder.keys, folder.sources, folder.git, folder.runs])
    await makeOwn(path, 0o700);
  if (!folder.socket.startsWith(folder.root)) await makeOwn(dirname(folder.socket), 0o700, lstat);
}

/** What a daemon that was killed had not renamed yet, keys of certificates among it: nothing leads to it any more. The lock of the data folder is held. */
export async function sweepDataFolder(folder: DataFolder): Promise<void> {
  for (const name of ['', 'edge', 'edge-nginx', 'git']) await sweepTemporaries(join(folder.root, name));
}

/** Removes what was made outside of the data folder; the sockets in it are closed. */
export async function leaveDataFolder(folder: DataFolder): Promise<void> {
  const beside = dirname(folder.socket);
  if (beside !== folder.root) await rmdir(beside).catch(() => undefined);
}

/**
 * A folder of that mode which is ours: one that another user prepared is refused. In the data folder it may be a link, to another disk say; where
 * others can write (`look` is lstat) it may not, for chmod(2) would follow theirs.
 */
async function makeOwn(path: string, mode: number, look: typeof stat | typeof lstat = stat): Promise<void> {
  await makeFolder(path, mode);
  const found = await look(path);
  if (!found.isDirectory()) throw new KapalError('forbidden', `${path} is no folder`);
  if (process.getuid !== undefined && found.uid !== process.getuid())
    throw new KapalError('forbidden', `${path} belongs to another user`);
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
