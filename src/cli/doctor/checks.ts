import { access, constants, readFile, stat, statfs } from 'node:fs/promises';
import { dirname } from 'node:path';
import { failureDocument } from '../../api/contract/exit.ts';
import { paths } from '../../api/contract/paths.ts';
import type { EdgeCheckDocument, StatusDocument } from '../../api/contract/types.ts';
import { exec, plainEnvironment } from '../../lib/exec.ts';
import { exists } from '../../lib/files.ts';
import type { Client } from '../client/client.ts';
import type { CliHost } from '../host.ts';

/** One thing that was looked at. `todo` says what to do about it, where something is to be done. */
export interface Check {
  readonly name: string;
  readonly result: 'ok' | 'warn' | 'fail';
  readonly detail: string;
  readonly todo: string | null;
}

export interface DoctorOptions {
  readonly client: Client;
  readonly data: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly host: Pick<CliHost, 'examineNginx'>;
  /** Files of Kapal itself, whose age the clock is held against: the entry file. */
  readonly entry: string;
}

/** Flaws in Node's HTTP parser and HTTP/2 were mended up to this release. */
const OLDEST_NODE = '24.14.1';
const NEEDED_BYTES = 1024 ** 3;
const NEEDED_DESCRIPTORS = 4_096;

/** Looks at everything that Kapal needs on this machine. Never rejects: what cannot be looked at is a result too. */
export async function examine(options: DoctorOptions): Promise<readonly Check[]> {
  const { data, env, entry, host } = options;
  const path = env['PATH'] ?? '';
  const local = [
    checkNode(process.versions.node),
    checkProgram('git', {
      path,
      without: 'Repositories cannot be fetched, and folders are deployed without their commit.',
      install: 'git',
    }),
    checkProgram('npm', { path, without: 'Node projects cannot be built.', install: 'npm' }),
    checkFolder(data),
    checkSpace(data),
    checkClock(entry),
    checkDescriptors(),
    checkNginx(host),
  ];
  return [...(await Promise.all(local)), ...(await checkDaemon(options))];
}

function ok(name: string, detail: string): Check {
  return { name, result: 'ok', detail, todo: null };
}

function warn(name: string, detail: string, todo: string): Check {
  return { name, result: 'warn', detail, todo };
}

function fail(name: string, detail: string, todo: string): Check {
  return { name, result: 'fail', detail, todo };
}

/** The version that runs this. */
export async function checkNode(version: string): Promise<Check> {
  const older = version.localeCompare(OLDEST_NODE, 'en', { numeric: true }) < 0;
  if (!older) return ok('node', version);
  return fail(
    'node',
    `${version} has known flaws in its HTTP parser`,
    `Start Kapal with its launcher, which brings ${OLDEST_NODE} or later.`,
  );
}

export async function checkProgram(
  name: string,
  { path, without, install }: { path: string; without: string; install: string },
): Promise<Check> {
  const {
    ok: works,
    stdout,
    missing,
    stderr,
  } = await exec(name, ['--version'], { env: plainEnvironment({ PATH: path }), timeout: 20_000 });
  if (works) return ok(name, stdout.trim().split('\n')[0] ?? '');
  return warn(
    name,
    missing ? `not found. ${without}` : `does not run: ${stderr.trim()}`,
    `Debian: apt-get install ${install}`,
  );
}

/** The data folder, or where it is not there yet the folder that it would be made in. */
export async function checkFolder(data: string): Promise<Check> {
  const folder = await nearestFolder(data);
  try {
    await access(folder, constants.W_OK | constants.X_OK);
  } catch {
    return fail(
      'data folder',
      `${data}: this user may not write into ${folder}`,
      'Run as the owner, or choose another folder with --data.',
    );
  }
  return ok('data folder', folder === data ? data : `${data} (made by the first kapal up)`);
}

async function checkSpace(data: string): Promise<Check> {
  const { bavail, bsize, ffree, files } = await statfs(await nearestFolder(data));
  const bytes = bavail * bsize;
  const text = `${(bytes / 1024 ** 3).toFixed(1)} GiB free`;
  if (bytes < NEEDED_BYTES) return warn('disk', text, 'Free some space: builds and releases need it.');
  if (files > 0 && ffree < 10_000)
    return warn('disk', `${text}, and ${ffree} inodes`, 'Free some inodes: node_modules has many files.');
  return ok('disk', text);
}

async function nearestFolder(path: string): Promise<string> {
  let folder = path;
  while (!(await exists(folder)) && folder !== dirname(folder)) folder = dirname(folder);
  return folder;
}

/** A clock that is behind the installed files is wrong: certificates and logs would be too. */
export async function checkClock(entry: string): Promise<Check> {
  const { mtime } = await stat(entry);
  const now = new Date();
  const text = now.toISOString();
  if (now.getTime() < mtime.getTime() - 86_400_000)
    return fail(
      'clock',
      `${text} is before Kapal was installed`,
      'Set the clock, or let it be set: apt-get install systemd-timesyncd',
    );
  const [service, marker] = ['/run/systemd/timesync', '/run/systemd/timesync/synchronized'];
  if ((await exists(service)) && !(await exists(marker))) {
    return warn('clock', `${text}, and not synchronised since boot`, 'See: timedatectl timesync-status');
  }
  return ok('clock', text);
}

/** Node raises the soft limit to the hard one, so what stands here is what the daemon gets. */
async function checkDescriptors(): Promise<Check> {
  const limits = await readFile('/proc/self/limits', 'utf8').catch(() => '');
  const limit = /^Max open files\s+(\d+|unlimited)/m.exec(limits)?.[1];
  if (limit === undefined) return warn('open files', 'the limit is not known', 'See: ulimit -Hn');
  if (limit !== 'unlimited' && Number(limit) < NEEDED_DESCRIPTORS) {
    return warn(
      'open files',
      `at most ${limit}`,
      `Raise it (ulimit -Hn, limits.conf) to ${NEEDED_DESCRIPTORS} or more: every connection needs two.`,
    );
  }
  return ok('open files', `at most ${limit}`);
}

/** Without it the embedded engine serves, which needs nothing. */
async function checkNginx(host: Pick<CliHost, 'examineNginx'>): Promise<Check> {
  const { serves, detail } = await host.examineNginx();
  if (serves) return ok('nginx', detail);
  return warn('nginx', `${detail}: the edge is the embedded engine`, 'For production: kapal edge install');
}

async function checkDaemon({ client, data }: DoctorOptions): Promise<readonly Check[]> {
  try {
    const status = await client.get<StatusDocument>(paths.status);
    return [
      ok('daemon', `version ${status.version}, pid ${status.pid}, ${megabytes(status.residentBytes)}`),
      ...checkRoom(status),
      ...(await checkParts(client, status)),
    ];
  } catch (error) {
    const { code, message, hint } = failureDocument(error);
    if (code === 'no_daemon') return [warn('daemon', message, hint ?? `kapal up --data ${data}`)];
    return [fail('daemon', message, hint ?? `See its log in ${data}/logs.`)];
  }
}

/** What the daemon gives up for want of room. */
function checkRoom({ disk }: StatusDocument): readonly Check[] {
  if (disk.problem === null) return [];
  const judged = disk.state === 'refusing' ? warn : fail;
  return [
    judged(
      'room',
      disk.problem,
      'Free space there; "du -xh -d 2 DATA" shows what takes it, and "kapal events" what was given up.',
    ),
  ];
}

async function checkParts(client: Client, { edge, runtime, http }: StatusDocument): Promise<readonly Check[]> {
  const { problems } = await client.get<EdgeCheckDocument>(paths.edgeCheck);
  const workers = edge.workers.map(({ pid, residentBytes }) => `${pid} (${megabytes(residentBytes)})`).join(', ');
  const edgeText = `${edge.engine} on ${http}: ${edge.why}; workers ${workers === '' ? 'none' : workers}`;
  const sound =
    edge.workers.length === 0
      ? fail('edge', edgeText, 'The daemon restarts it; see kapal events.')
      : ok('edge', edgeText);
  return [
    sound,
    ...problems.map((problem) => warn('edge', problem, 'See: kapal edge config')),
    ok('runtime', `${runtime.engine}: ${runtime.why}`),
    ...runtime.notes.map((note) => warn('runtime', note, 'Nothing has to be done where that is accepted.')),
  ];
}

function megabytes(bytes: number): string {
  return `${Math.round(bytes / 1_000_000)} MB`;
}
