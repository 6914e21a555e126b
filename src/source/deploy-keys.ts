import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { exec } from '../lib/exec.ts';
import { makeFolder } from '../lib/files.ts';
import { KapalError } from '../model/errors.ts';

export interface KeyPair {
  /** In the form of OpenSSH. */
  readonly privateKey: string;
  /** One line, as providers take it. */
  readonly publicKey: string;
}

/** Makes an ed25519 key pair (ssh-keygen(1)) in `folder`, where nothing of it is left. Throws `toolchain_missing` where OpenSSH is not there. */
export async function makeDeployKey(folder: string, comment: string): Promise<KeyPair> {
  await makeFolder(folder, 0o700);
  const place = await mkdtemp(join(folder, 'making-'));
  try {
    const path = join(place, 'key');
    const made = await exec('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-C', comment, '-f', path], {
      timeout: 60_000,
    });
    if (made.missing)
      throw new KapalError('toolchain_missing', 'ssh is not installed on the machine of the daemon', {
        hint: 'Install it there: apt-get install openssh-client; or name the remote by https://TOKEN@HOST/PATH.',
      });
    if (!made.ok) throw new KapalError('internal', `ssh-keygen made no key: ${made.stderr.trim()}`);
    const [privateKey, publicKey] = await Promise.all([readFile(path, 'utf8'), readFile(`${path}.pub`, 'utf8')]);
    return { privateKey, publicKey: publicKey.trim() };
  } finally {
    await rm(place, { recursive: true, force: true });
  }
}
