import { randomBytes } from 'node:crypto';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { makeFolder, writeDurably } from '../lib/files.ts';

/** Of no user's configuration and no agent: this key, and the hosts that were met before, which are kept on first use. */
const SCRIPT = `#!/bin/sh
# Written by Kapal: the ssh of git, with the deploy key of one hook.
cd "$KAPAL_SSH_FOLDER" || exit 255
exec ssh -F /dev/null -i "./$KAPAL_SSH_KEY" -o IdentitiesOnly=yes -o IdentityAgent=none -o BatchMode=yes -o StrictHostKeyChecking=accept-new \\
  -o UserKnownHostsFile=./known_hosts -o GlobalKnownHostsFile=/dev/null -o ConnectTimeout=15 "$@"
`;

/** What git is given so that it uses a key; the key lies on the disk until it is disposed of. */
export interface SshAccess extends AsyncDisposable {
  readonly environment: Readonly<Record<string, string>>;
}

/** Lays a private key down in a private folder, under a name that is swept when a daemon that died left it. */
export async function sshAccess(folder: string, privateKey: string): Promise<SshAccess> {
  await makeFolder(folder, 0o700);
  const script = join(folder, 'ssh');
  await writeDurably(script, SCRIPT, 0o700);
  const name = `.${randomBytes(8).toString('hex')}.tmp`;
  await writeDurably(join(folder, name), privateKey, 0o600);
  return {
    environment: { GIT_SSH: script, GIT_SSH_VARIANT: 'ssh', KAPAL_SSH_FOLDER: folder, KAPAL_SSH_KEY: name },
    [Symbol.asyncDispose]: () => rm(join(folder, name), { force: true }),
  };
}
