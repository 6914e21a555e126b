import { exec } from '../../lib/exec.ts';

/** The system user of the workers. */
export interface WorkerAccount {
  readonly uid: number;
  readonly gid: number;
}

export interface AccountNames {
  readonly name: string;
  readonly group: string;
}

/** nginx's `user` wants names: asks the system's user database (nsswitch), so that users that are not in /etc/passwd are found too. `null`: one has no name. */
export async function namesOf(account: WorkerAccount): Promise<AccountNames | null> {
  const name = await nameIn('passwd', account.uid);
  const group = await nameIn('group', account.gid);
  return name === null || group === null ? null : { name, group };
}

async function nameIn(database: 'passwd' | 'group', id: number): Promise<string | null> {
  const { ok, stdout } = await exec('getent', [database, String(id)], { timeout: 10_000 });
  const name = stdout.split(':')[0] ?? '';
  return ok && name !== '' ? name : null;
}

/** Whether that user can read a file below the folders above it: `null`, or what is in the way. */
export async function reachProblem(account: WorkerAccount, file: string): Promise<string | null> {
  const user = [`--reuid=${account.uid}`, `--regid=${account.gid}`, '--clear-groups'];
  const result = await exec('setpriv', [...user, '--', 'head', '-c', '1', file], { cwd: '/', timeout: 10_000 });
  if (result.ok) return null;
  if (result.missing) return 'the program setpriv (util-linux) is not installed';
  return result.stderr.trim() || `it ended with ${String(result.code)}`;
}
