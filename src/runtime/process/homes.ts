import { chmod, chown, lstat, mkdir, rm, rmdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { exec } from '../../lib/exec.ts';
import { errorCode, isMissing } from '../../lib/files.ts';
import { KapalError } from '../../model/errors.ts';
import { type ServiceId, serviceKey } from '../../model/service.ts';
import type { Account } from './accounts.ts';

/** `HOMES/project/environment/service`, private to the service's user; `tmp` in it is its TMPDIR. */
export class Homes {
  readonly #folder: string;

  constructor(folder: string) {
    this.#folder = folder;
  }

  pathOf(service: ServiceId): string {
    const { project, environment, service: name } = serviceKey(service);
    return join(this.#folder, project, environment, name);
  }

  /**
   * Makes the home and its `tmp`. Root changes owners only while the home is still root's own: in a folder of the user's, a name may
   * be a link to anything by the time it is acted upon.
   */
  async ensure(service: ServiceId, account: Account | null): Promise<string> {
    const home = this.pathOf(service);
    const temporary = join(home, 'tmp');
    await mkdir(dirname(home), { recursive: true });
    // mkdir(2) is cut by the daemon's umask, and a closed folder above would keep the user from its home.
    for (const above of [dirname(home), dirname(dirname(home)), this.#folder]) await chmod(above, 0o755);
    await mkdirIfMissing(home);
    const owner = (await lstat(home)).uid;
    if (account === null || owner === process.getuid?.()) {
      await mkdirIfMissing(temporary);
      if (account === null) return home;
      await chown(temporary, account.uid, account.gid);
      await chown(home, account.uid, account.gid);
    } else if (owner !== account.uid) {
      await takeOver(home, account);
    }
    if (!(await isThere(temporary))) await makeAs(account, temporary);
    return home;
  }

  /** Removes the home, and the folders above it that it leaves empty. */
  async remove(service: ServiceId): Promise<void> {
    const home = this.pathOf(service);
    await rm(home, { recursive: true, force: true });
    for (const above of [dirname(home), dirname(dirname(home))]) await rmdir(above).catch(ignoreInUse);
  }
}

async function mkdirIfMissing(path: string): Promise<void> {
  await mkdir(path, { mode: 0o700 }).catch((error: unknown) => {
    if (errorCode(error) !== 'EEXIST') throw error;
  });
}

async function isThere(path: string): Promise<boolean> {
  return lstat(path).then(
    (found) => found.isDirectory(),
    (error: unknown) => {
      if (isMissing(error)) return false;
      throw error;
    },
  );
}

/** The home belongs to a uid that the service had before its user was made anew. chown(1) -R does not follow links. */
async function takeOver(home: string, account: Account): Promise<void> {
  const result = await exec('chown', ['-hR', '--', `${account.uid}:${account.gid}`, home]);
  if (!result.ok)
    throw new KapalError('runtime_failed', `${home} could not be given to ${account.name}: ${result.stderr.trim()}`);
}

/** As the user itself, who removed it; a file in its place stays, and the program meets it as it would its own. */
async function makeAs(account: Account, path: string): Promise<void> {
  const identity = [`--reuid=${account.uid}`, `--regid=${account.gid}`, '--clear-groups'];
  await exec('setpriv', [...identity, '--', 'mkdir', '-m', '700', '--', path]);
}

function ignoreInUse(error: unknown): void {
  const code = errorCode(error);
  if (code !== 'ENOTEMPTY' && code !== 'EEXIST' && code !== 'ENOENT') throw error;
}
