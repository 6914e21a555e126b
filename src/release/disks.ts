import { chmod, chown, lstat, mkdir, readdir, rm, rmdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { exec } from '../lib/exec.ts';
import { errorCode, exists, isMissing, syncFolder } from '../lib/files.ts';
import { KapalError } from '../model/errors.ts';

/** Milliseconds that counting the bytes of one disk may take: it walks all of its files. */
const countingTime = 120_000;
const handingTime = 10 * 60_000;
const linkingTime = 30_000;

export interface DiskOwner {
  readonly uid: number;
  readonly gid: number;
}

/**
 * Makes `PATH` in the folder `TOP` a link to `TARGET`; run as the service's own user, so that what its files lead to can do it no more than it could itself.
 * Exits with 10 and more for what is in the way. Placeholders that keep an empty folder in git are no content. `FILES` says what becomes of other files there:
 * `refuse`, `move` (to the target, which nobody has used yet; over what an earlier try left there) or `drop`.
 */
const linking = `
cd -- "$1" || exit 1
parent=.
case $2 in */*) parent=\${2%/*}; mkdir -p -- "$parent" || exit 13 ;; esac
top=$(pwd -P) below=$(cd -- "$parent" && pwd -P) || exit 1
[ "$parent" = . ] || [ "$below" = "$top/$parent" ] || exit 12
if [ -L "$2" ]; then
  [ "$(readlink -- "$2")" = "$3" ] || exit 10
  exit 0
fi
if [ -d "$2" ]; then
  rmdir -- "$2" 2>/dev/null || {
    case $4 in
      refuse)
        for name in $(ls -A -- "$2"); do case $name in .gitkeep | .keep | .gitignore) ;; *) exit 11 ;; esac; done
        rm -f -- "$2/.gitkeep" "$2/.keep" "$2/.gitignore"
        rmdir -- "$2" || exit 11
        ;;
      move) cp -RPp -- "$2/." "$3/" || exit 1 ;;
    esac
    rm -rf -- "$2" || exit 1
  }
elif [ -e "$2" ]; then exit 13
fi
ln -s -- "$3" "$2"
`;

/** What becomes of files of the source or of the build where the link goes: they are in the way, or the disk begins with them, or has begun without. */
type FilesInPlace = 'refuse' | 'move' | 'drop';

const obstacles: Readonly<Record<number, string>> = {
  10: 'is a link of the source or of the build',
  11: 'is a folder with files, which the disk would hide',
  12: 'is reached by a link',
  13: 'is a file, or lies below one',
};

/** Folders of services that outlive their releases: `FOLDER/PROJECT/ENVIRONMENT/SERVICE/DISK`, each readable by its service's user alone. Names are checked ones. */
export class Disks {
  readonly #root: string;

  /** Absolute; other users may pass it. */
  constructor(root: string) {
    this.#root = root;
  }

  path(service: string, name: string): string {
    return join(this.#root, service, name);
  }

  exists(service: string, name: string): Promise<boolean> {
    return exists(this.path(service, name));
  }

  /** Makes the folder, and its owner's; `null`: the daemon's own user is the service's. */
  async ensure(service: string, name: string, owner: DiskOwner | null): Promise<void> {
    const path = this.path(service, name);
    const above = [dirname(path), dirname(dirname(path)), dirname(dirname(dirname(path)))];
    await mkdir(dirname(path), { recursive: true });
    // mkdir(2) is cut by the daemon's umask, and a closed folder above would keep the user out.
    for (const folder of above) await chmod(folder, 0o755);
    await mkdir(path, { mode: 0o700 }).catch((error: unknown) => {
      if (errorCode(error) !== 'EEXIST') throw error;
    });
    await syncFolder(dirname(path));
    if (owner === null) return;
    const found = await lstat(path);
    if (found.uid === owner.uid) return;
    await this.#handOver(path, owner);
  }

  /**
   * To a user that it has not had: the service's was made anew, and its old number may be another's by now. Closed to all but root as long as the files
   * change hands. chown(1) -h -R follows no link.
   */
  async #handOver(path: string, owner: DiskOwner): Promise<void> {
    await this.#close(path);
    const below = (await readdir(path)).map((name) => join(path, name));
    if (below.length > 0) {
      const done = await exec('chown', ['-hR', '--', `${owner.uid}:${owner.gid}`, ...below], { timeout: handingTime });
      if (!done.ok)
        throw new KapalError('runtime_failed', `${path} could not be given to its service: ${done.stderr.trim()}`);
    }
    await chown(path, owner.uid, owner.gid);
  }

  /** Makes a path of an artifact lead to the disk. Repeatable. Throws `mount_refused` where something else is there. */
  async link(input: {
    service: string;
    name: string;
    artifact: string;
    path: string;
    owner: DiskOwner | null;
    files: FilesInPlace;
  }): Promise<void> {
    const { service, name, artifact, path, owner, files } = input;
    const target = this.path(service, name);
    const shell = ['/bin/sh', '-c', linking, 'sh', artifact, path, target, files];
    const limits = { timeout: files === 'refuse' ? linkingTime : handingTime, cwd: '/' };
    const done =
      owner === null
        ? await exec('/bin/sh', shell.slice(1), limits)
        : await exec('setpriv', [...asUser(owner), '--', ...shell], limits);
    if (done.ok) return;
    const obstacle = done.code === null ? undefined : obstacles[done.code];
    if (obstacle === undefined)
      throw new KapalError('runtime_failed', `the disk ${name} could not be linked at ${path}: ${done.stderr.trim()}`);
    throw new KapalError('mount_refused', `the disk ${name} cannot appear at ${path}: that ${obstacle}`, {
      hint: 'Take it out of the source and of the build, or choose another disk.mountPath.',
    });
  }

  async isEmpty(service: string, name: string): Promise<boolean> {
    try {
      return (await readdir(this.path(service, name))).length === 0;
    } catch (error) {
      if (isMissing(error)) return true;
      throw error;
    }
  }

  /** Bytes on the disk below (st_blocks, as du(1) counts them); null where they could not be counted in time. Other file systems mounted in it are not counted. */
  async used(service: string, name: string): Promise<number | null> {
    const path = this.path(service, name);
    const counting = ['-n', '19', 'du', '-s', '-x', '--block-size=1', '--', path];
    const { stdout } = await exec('nice', counting, { timeout: countingTime });
    const bytes = Number.parseInt(stdout, 10);
    return Number.isNaN(bytes) ? null : bytes;
  }

  /** Its service goes, and the service's user: the number of that user may be given to another, who must not get in. */
  async close(service: string, name: string): Promise<void> {
    if (process.getuid?.() !== 0 || !(await this.exists(service, name))) return;
    await this.#close(this.path(service, name));
  }

  async #close(path: string): Promise<void> {
    await chown(path, 0, 0);
    await chmod(path, 0o700);
  }

  /** Deletes it with all that is on it, and the folders above that it leaves empty. Missing is no error. */
  async remove(service: string, name: string): Promise<void> {
    const path = this.path(service, name);
    await rm(path, { recursive: true, force: true, maxRetries: 3 });
    for (const above of [dirname(path), dirname(dirname(path)), dirname(dirname(dirname(path)))])
      await rmdir(above).catch((error: unknown) => {
        if (!['ENOTEMPTY', 'EEXIST', 'ENOENT'].includes(errorCode(error) ?? '')) throw error;
      });
  }
}

function asUser({ uid, gid }: DiskOwner): string[] {
  const dropped = ['--no-new-privs', '--inh-caps=-all', '--ambient-caps=-all', '--bounding-set=-all'];
  return [`--reuid=${uid}`, `--regid=${gid}`, '--clear-groups', ...dropped];
}
