import { chmod, chown, mkdir, readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { exec, plainEnvironment } from '../../lib/exec.ts';
import { exists } from '../../lib/files.ts';
import { KapalError } from '../../model/errors.ts';
import type { EdgeFolder } from './folder.ts';
import type { Engine } from './engine.ts';

/** The system user of the workers. */
export interface WorkerAccount {
  readonly uid: number;
  readonly gid: number;
}

/**
 * Bounds, not savings: a worker is 65 MB when idle (52 MB of them Node's own program text, shared between workers) and 79 to 91 MB
 * under 256 connections at full speed, with these flags or without. The young generation is kept from growing in a burst, and the old
 * one has a ceiling against a leak.
 */
const MEMORY_FLAGS = ['--max-semi-space-size=4', '--max-old-space-size=768'];

/** The command of a worker, without the folder, generation and slot that the keeper adds. */
export function workerCommand(options: {
  readonly folder: EdgeFolder;
  readonly engine: Engine;
  readonly node: string;
  readonly account: WorkerAccount | null;
  /** Which listening descriptors it inherits. */
  readonly serves: { readonly http: boolean; readonly https: boolean };
}): string[] {
  // The cache of compiled code: without it every worker holds the type stripper, 18 MB, to read its own source.
  const environment = ['env', '-i', `NODE_COMPILE_CACHE=${options.folder.cache}`, 'LC_ALL=C.UTF-8', ...trust()];
  const node = [options.node, '--disable-warning=ExperimentalWarning', ...MEMORY_FLAGS, options.engine.worker];
  const serves = [...(options.serves.http ? ['--http'] : []), ...(options.serves.https ? ['--https'] : [])];
  return [...dropPrivileges(options.account), ...environment, ...node, ...serves];
}

/** Where the authorities of this machine are, if not in the usual place (openssl-env(7)): for upstreams over TLS. */
function trust(): string[] {
  const names = ['SSL_CERT_FILE', 'SSL_CERT_DIR'];
  return names.flatMap((name) => (process.env[name] === undefined ? [] : [`${name}=${process.env[name]}`]));
}

/** setpriv(1): another user, no way back to root, no capability. */
function dropPrivileges(account: WorkerAccount | null): string[] {
  if (account === null) return [];
  const user = [`--reuid=${account.uid}`, `--regid=${account.gid}`, '--clear-groups'];
  return ['setpriv', ...user, '--no-new-privs', '--inh-caps=-all', '--ambient-caps=-all', '--bounding-set=-all', '--'];
}

/** What keeper.sh reads: the number of workers, then one word of the command per line. */
export function renderLaunch(workers: number, command: readonly string[]): string {
  if (command.some((word) => word.includes('\n'))) {
    throw new KapalError('usage', 'The data folder and the path of Node cannot contain a line break.');
  }
  return `${[String(workers), ...command].join('\n')}\n`;
}

/** How many workers a launch file asks for; 0 where there is none. */
export function workersIn(launch: string | null): number {
  return Number((launch ?? '').split('\n')[0]);
}

/** Makes the folders, those of the workers theirs. The edge's own folder is readable by the workers' group and nobody else. */
export async function furnishFolder(folder: EdgeFolder, account: WorkerAccount | null): Promise<void> {
  const owner = process.getuid?.() ?? 0;
  const workers = { uid: account?.uid ?? owner, gid: account?.gid ?? process.getgid?.() ?? 0 };
  // A worker cannot write where the daemon writes: root would follow what it puts there.
  const daemons = { uid: owner, gid: workers.gid, mode: account === null ? 0o700 : 0o750 };
  await makeOwned(folder.path, daemons);
  for (const path of [folder.control, folder.log, folder.cache]) await makeOwned(path, { ...workers, mode: 0o700 });
  await makeOwned(folder.certificates, daemons);
  const secrets = (await readdir(folder.certificates)).map((name) => join(folder.certificates, name));
  if (await exists(folder.table)) secrets.push(folder.table);
  for (const path of secrets) {
    await chown(path, workers.uid, workers.gid);
    await chmod(path, 0o600);
  }
}

/** Who the workers run as, by the folder that was furnished for them; the daemon's own user before that. */
export async function workersOwner(folder: EdgeFolder): Promise<WorkerAccount> {
  const own = { uid: process.getuid?.() ?? 0, gid: process.getgid?.() ?? 0 };
  if (!(await exists(folder.control))) return own;
  const { uid, gid } = await stat(folder.control);
  return { uid, gid };
}

async function makeOwned(
  path: string,
  owned: { readonly uid: number; readonly gid: number; readonly mode: number },
): Promise<void> {
  await mkdir(path, { recursive: true });
  await chown(path, owned.uid, owned.gid);
  await chmod(path, owned.mode);
}

/**
 * Runs the worker's program once without serving: proves that its user can reach the code and Node, that the code loads, and fills the
 * cache of compiled code. Answers null, or what went wrong.
 */
export async function rehearse(command: readonly string[]): Promise<string | null> {
  const [program = '', ...args] = command;
  const result = await exec(program, [...args, '--rehearse'], { cwd: '/', env: plainEnvironment(), timeout: 20_000 });
  if (result.ok) return null;
  if (result.missing) return `${program} is not installed`;
  return lastLines(result.stderr) || `it ended with ${result.signal ?? String(result.code)}`;
}

function lastLines(text: string): string {
  return text.trim().split('\n').slice(-6).join('\n');
}
