import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { errorCode } from '../../src/lib/files.ts';
import type { TestKapal } from './kapal.ts';
import { eventually } from './survival.ts';

/** What tells one install from others. */
export type Install = Pick<TestKapal, 'data'>;

export interface Process {
  readonly pid: number;
  readonly parent: number;
  readonly uid: number;
  readonly command: string;
  readonly role: 'daemon' | 'keeper' | 'app' | 'edge' | 'other';
  /** Of keepers and apps. */
  readonly run: string | null;
}

/** Every living process whose environment, cgroup or command names the install or its data folder. */
export function processesOf(kapal: Install): Process[] {
  const install = installOf(kapal);
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((name) => {
      const found = processOf(Number(name), kapal, install);
      return found === null ? [] : [found];
    });
}

function processOf(pid: number, kapal: Install, install: string | null): Process | null {
  const stat = text(`/proc/${pid}/stat`);
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  if (stat === '' || fields[0] === 'Z' || fields[0] === 'X' || pid === process.pid) return null;
  const command = text(`/proc/${pid}/cmdline`).replaceAll('\0', ' ').trim();
  const mark =
    install === null
      ? null
      : (new RegExp(`(?:^|\0)KAPAL_RUN=${install}\\.([^\0]*)`).exec(text(`/proc/${pid}/environ`))?.[1] ?? null);
  const held =
    install === null
      ? null
      : (new RegExp(`/kapal-${install}/run-(\\S+)`).exec(text(`/proc/${pid}/cgroup`))?.[1] ?? null);
  const keeper = new RegExp(`${RegExp.escape(kapal.data)}/runs/runs/(\\S+)`).exec(command)?.[1] ?? null;
  const isDaemon = command.includes(`main.ts up`) && command.includes(kapal.data);
  // Workers of nginx name their folder nowhere else.
  const isNginx = command.startsWith('nginx: ') && linkTo(`/proc/${pid}/cwd`).startsWith(`${kapal.data}/edge`);
  if (mark === null && held === null && !command.includes(`${kapal.data}/`) && !isDaemon && !isNginx) return null;
  const role = isDaemon
    ? 'daemon'
    : mark !== null || held !== null
      ? 'app'
      : keeper !== null
        ? 'keeper'
        : isNginx || command.includes(`${kapal.data}/edge`)
          ? 'edge'
          : 'other';
  const uid = Number(/^Uid:\t\d+\t(\d+)/m.exec(text(`/proc/${pid}/status`))?.[1] ?? -1);
  return { pid, parent: Number(fields[1]), uid, command, role, run: mark ?? held ?? keeper };
}

/** Every living process that works in a folder, or names something in it. */
export function processesBelow(folder: string): number[] {
  const pids = readdirSync('/proc').filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid);
  return pids
    .filter((pid) => `${linkTo(`/proc/${pid}/cwd`)}/\0${text(`/proc/${pid}/cmdline`)}`.includes(`${folder}/`))
    .map(Number);
}

/** The eight characters that stand in the names of the install's users and control groups; null before the first start. */
export function installOf(kapal: Install): string | null {
  const path = join(kapal.data, 'record', 'record.db');
  if (!existsSync(path)) return null;
  using database = new DatabaseSync(path, { readOnly: true, timeout: 1_000 });
  const row = database.prepare("SELECT value FROM facts WHERE key = 'install'").get();
  return typeof row?.['value'] === 'string' ? row['value'] : null;
}

/** Names of the users that the install has made. */
export function usersOf(kapal: Install): string[] {
  const mark = `:Kapal ${installOf(kapal)} `;
  const lines = text('/etc/passwd').split('\n');
  return lines.filter((line) => line.includes(mark)).map((line) => line.slice(0, line.indexOf(':')));
}

/** Names of the folders of runs that the data folder holds. */
export function runFolders(kapal: Install): string[] {
  const folder = join(kapal.data, 'runs', 'runs');
  return existsSync(folder) ? readdirSync(folder).toSorted() : [];
}

/** Resolves when what is there is exactly what `ps` shows: each app and keeper belongs to a listed instance, each run folder too, and no other is left. */
export async function onlyOwned(kapal: TestKapal): Promise<void> {
  let wrong = '';
  await eventually('only processes and folders with an owner', async () => {
    const owners = (await kapal.ps()).flatMap((service) => service.instances.map((instance) => instance.id));
    const strays = straysOf(kapal, owners);
    wrong = JSON.stringify({ owners, strays });
    return strays.length === 0;
  }).catch((error: unknown) => {
    throw new Error(`${String(error)}: ${wrong}`);
  });
}

/** Processes, control groups and run folders that belong to none of these instances. */
export function straysOf(kapal: Install, owners: readonly string[], all = processesOf(kapal)): string[] {
  const owned = (run: string | null) => run !== null && owners.includes(run.slice(0, run.lastIndexOf('.')));
  const processes = all.filter(
    ({ role, run }) => role === 'other' || ((role === 'app' || role === 'keeper') && !owned(run)),
  );
  const groups = cgroupsOf(kapal).filter((path) => !owned(/\/run-([^/]+)$/.exec(path)?.[1] ?? null));
  return [
    ...processes.map(({ pid, role, command }) => `${role} ${pid}: ${command.slice(0, 200)}`),
    ...groups,
    ...runFolders(kapal).filter((run) => !owned(run)),
  ];
}

/** Folders of the control groups of runs. */
function cgroupsOf(kapal: Install): string[] {
  const install = installOf(kapal);
  return ['memory', 'cpuacct', 'cpu,cpuacct', 'unified', '.']
    .map((name) => join('/sys/fs/cgroup', name, `kapal-${install}`))
    .filter((path) => existsSync(path))
    .flatMap((path) =>
      readdirSync(path)
        .filter((name) => name.startsWith('run-'))
        .map((name) => join(path, name)),
    );
}

/** Namespaces, links and tables of rules that an install has made for networks of instances. */
export function networksOf(install: string | null): string[] {
  if (install === null) return [];
  const namespaces = existsSync('/run/netns') ? readdirSync('/run/netns') : [];
  const links = readdirSync('/sys/class/net').filter((name) => name.startsWith(`k${install}`));
  const found = [...namespaces.filter((name) => name.startsWith(`kapal-${install}-`)), ...links];
  // Where neither is there, the rules are looked at too: as root, for others do not see them.
  if (process.getuid?.() !== 0) return found;
  const { stdout } = spawnSync('nft', ['list', 'tables'], { encoding: 'utf8' });
  return [...found, ...(stdout ?? '').split('\n').filter((line) => line.endsWith(` kapal_${install}`))];
}

/** What is left of an install whose everything should be gone: processes, control groups, run folders, sockets, networks. */
export function leftovers(kapal: Install): string[] {
  const install = installOf(kapal);
  const groups = ['memory', 'cpuacct', 'cpu,cpuacct', 'unified', '.'].map((name) =>
    join('/sys/fs/cgroup', name, `kapal-${install}`),
  );
  return [
    ...processesOf(kapal).map(({ pid, role, command }) => `${role} ${pid}: ${command.slice(0, 200)}`),
    ...groups.filter((path) => existsSync(path)),
    ...runFolders(kapal),
    ...networksOf(install),
    ...[join(kapal.data, 'kapal.sock'), join(kapal.data, 'daemon.json')].filter((path) => existsSync(path)),
  ];
}

/** SIGKILL to everything of the install in one go, as a power cut ends it. Nothing is alive when it returns. */
export async function killAll(kapal: TestKapal): Promise<void> {
  await eventually('nothing of the install is alive', () => {
    const found = processesOf(kapal);
    for (const { pid } of found) send(pid, 'SIGKILL');
    return found.length === 0;
  });
  kapal.daemon = null;
}

export function send(pid: number, signal: NodeJS.Signals): boolean {
  try {
    return process.kill(pid, signal);
  } catch {
    return false;
  }
}

export function isAlive(pid: number): boolean {
  const stat = text(`/proc/${pid}/stat`);
  return stat !== '' && !['Z', 'X'].includes(stat.slice(stat.lastIndexOf(')') + 2)[0] ?? '');
}

/** Every file below a folder, as bytes in one-byte characters. */
export function* filesBelow(folder: string): Generator<{ path: string; content: string }> {
  for (const entry of readdirSync(folder, { recursive: true, withFileTypes: true })) {
    const path = join(entry.parentPath, entry.name);
    // A file may be a temporary one, which was renamed since it was listed.
    const content = entry.isFile() ? contentOf(path) : null;
    if (content !== null) yield { path, content };
  }
}

function contentOf(path: string): string | null {
  try {
    return readFileSync(path, 'latin1');
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return null;
    throw error;
  }
}

/** Where a link leads; empty where there is none. */
export function linkTo(path: string): string {
  try {
    return readlinkSync(path);
  } catch {
    return '';
  }
}

export function text(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}
