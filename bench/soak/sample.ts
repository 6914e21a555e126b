import { lstatSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import type { ServiceDocument } from '../../src/api/contract/types.ts';
import { askApi } from '../../test/e2e/api.ts';
import { type Install, installOf, linkTo, type Process, processesOf, text, usersOf } from '../../test/e2e/install.ts';

/** Figures by name, as `daemon.resident` (MB), `edge.descriptors`, `files.runs`, `rows.events`. */
export type Sample = ReadonlyMap<string, number>;

const megabyte = 1e6;

/** The record's tables, and those of the log store. */
const tables = {
  record: [
    'services',
    'releases',
    'rollouts',
    'instances',
    'operations',
    'tasks',
    'variables',
    'domains',
    'certificates',
    'events',
  ],
  logs: ['lines', 'origins', 'files', 'services'],
} as const;

/** Everything that a leak could show in, now. Programs of services are none of Kapal's: they are counted, and nothing more. */
export async function sampleOf(data: string): Promise<Sample> {
  const kapal = { data };
  const sample = new Map<string, number>();
  const processes = processesOf(kapal);
  addProcesses(sample, processes);
  const { body } = await askApi(data, '/services');
  // The cast: our own daemon's answer.
  const listed = (body as readonly ServiceDocument[]).flatMap(({ instances }) => instances);
  const groups = controlGroups(kapal);
  // A keeper is two processes: one waits, one drains.
  const kept = new Set(ofKind(processes, 'keeper').map(({ run }) => run));
  sample.set('beyond instances.runs kept', kept.size - listed.length);
  sample.set('beyond instances.run folders', count(join(kapal.data, 'runs', 'runs')) - listed.length);
  sample.set('beyond instances.control groups', groups.runs / Math.max(1, groups.places) - listed.length);
  sample.set('control groups of services', groups.all - groups.runs);
  sample.set('users', usersOf(kapal).length);
  sample.set('mounts', text('/proc/mounts').split(kapal.data).length - 1);
  addFiles(sample, kapal.data);
  addRows(sample, kapal.data);
  sample.set('beyond instances.rows', (sample.get('rows.instances') ?? 0) - listed.length);
  return sample;
}

type Kind = 'daemon' | 'edge worker' | 'edge keeper' | 'keeper' | 'app' | 'other';

function kindOf({ role, command }: Process): Kind {
  if (role !== 'edge') return role;
  return /worker/.test(command) && !/keeper\.sh/.test(command) ? 'edge worker' : 'edge keeper';
}

function ofKind(processes: readonly Process[], kind: Kind): Process[] {
  return processes.filter((process) => kindOf(process) === kind);
}

/** Of daemon and workers of the edge all of it, in sum; of keepers, of which there are as many as instances, the mean. */
function addProcesses(sample: Map<string, number>, processes: readonly Process[]): void {
  for (const kind of ['daemon', 'edge worker', 'edge keeper', 'keeper'] as const) {
    const members = ofKind(processes, kind).flatMap(({ pid }) => factsOf(pid) ?? []);
    const share = kind === 'keeper' ? Math.max(1, members.length) : 1;
    for (const fact of [
      'resident',
      'proportional',
      'own',
      'descriptors',
      'sockets',
      'threads',
      'plain descriptors',
    ] as const)
      sample.set(`${kind}.${fact}`, members.reduce((sum, member) => sum + member[fact], 0) / share);
    if (kind !== 'keeper') sample.set(`${kind}.processes`, members.length);
  }
  sample.set('other processes', ofKind(processes, 'other').length);
}

/** Null where the process has ended meanwhile. Memory in MB: all that is resident, its share of it, and what is its own. */
function factsOf(pid: number) {
  try {
    const [status, rollup] = [
      readFileSync(`/proc/${pid}/status`, 'latin1'),
      readFileSync(`/proc/${pid}/smaps_rollup`, 'latin1'),
    ];
    const kilobytes = (from: string, name: string) =>
      Number(new RegExp(`^${name}:\\s+(\\d+) kB`, 'm').exec(from)?.[1] ?? Number.NaN);
    const open = readdirSync(`/proc/${pid}/fd`);
    const sockets = open.filter((name) => linkTo(`/proc/${pid}/fd/${name}`).startsWith('socket:')).length;
    return {
      resident: (kilobytes(status, 'VmRSS') * 1024) / megabyte,
      proportional: (kilobytes(rollup, 'Pss') * 1024) / megabyte,
      own: (kilobytes(status, 'RssAnon') * 1024) / megabyte,
      descriptors: open.length,
      sockets,
      'plain descriptors': open.length - sockets,
      threads: Number(/^Threads:\s+(\d+)/m.exec(status)?.[1] ?? Number.NaN),
    };
  } catch {
    return null;
  }
}

/** Groups of runs, of all, and in how many places (controllers) they stand. */
function controlGroups(kapal: Install): { readonly runs: number; readonly all: number; readonly places: number } {
  const name = `kapal-${installOf(kapal)}`;
  const places = ['.', ...folders('/sys/fs/cgroup')].map((place) => join('/sys/fs/cgroup', place, name));
  const members = places.map((place) => ({
    runs: folders(place).filter((one) => one.startsWith('run-')).length,
    all: folders(place).length,
  }));
  return {
    runs: members.reduce((sum, { runs }) => sum + runs, 0),
    all: members.reduce((sum, { all }) => sum + all, 0),
    places: members.filter(({ runs }) => runs > 0).length,
  };
}

/** Entries and MB on disk of each part of the data folder; of every file in `logs` and `record` by itself too. */
function addFiles(sample: Map<string, number>, data: string): void {
  let [allFiles, allBytes] = [0, 0];
  for (const part of readdirSync(data)) {
    const { files, bytes } = sizeOf(join(data, part));
    allFiles += files;
    allBytes += bytes;
    if (!['kapal.sock', 'daemon.json', 'toolchain'].includes(part)) {
      sample.set(`files.${part}`, files);
      sample.set(`MB.${part}`, bytes / megabyte);
    }
  }
  sample.set('files', allFiles);
  sample.set('MB', allBytes / megabyte);
  for (const file of [
    'record/record.db',
    'record/record.db-wal',
    'logs/logs.db',
    'logs/logs.db-wal',
    'logs/daemon.log',
    'edge/workers.log',
  ])
    sample.set(`MB.${file}`, sizeOf(join(data, file)).bytes / megabyte);
  const artifacts = folders(join(data, 'releases'), 4);
  sample.set('artifacts', artifacts.length);
  sample.set('trees', folders(join(data, 'sources')).length);
}

function sizeOf(path: string): { readonly files: number; readonly bytes: number } {
  const stats = lstatSync(path, { throwIfNoEntry: false });
  if (stats === undefined) return { files: 0, bytes: 0 };
  // As the disk has it: heads of files that were read are holes.
  const own = { files: 1, bytes: stats.blocks * 512 };
  if (!stats.isDirectory()) return own;
  return names(path).reduce((sum, name) => {
    const { files, bytes } = sizeOf(join(path, name));
    return { files: sum.files + files, bytes: sum.bytes + bytes };
  }, own);
}

function addRows(sample: Map<string, number>, data: string): void {
  for (const [name, path] of [
    ['record', join(data, 'record', 'record.db')],
    ['logs', join(data, 'logs', 'logs.db')],
  ] as const) {
    using database = new DatabaseSync(path, { readOnly: true, timeout: 10_000 });
    for (const table of tables[name]) {
      const row = database.prepare(`SELECT count(*) AS n FROM ${table}`).get();
      sample.set(`rows.${name === 'logs' ? 'logs.' : ''}${table}`, Number(row?.['n']));
    }
    if (name === 'record') {
      const most = database
        .prepare('SELECT max(n) AS n FROM (SELECT count(*) AS n FROM releases GROUP BY service)')
        .get();
      sample.set('rows.releases of a service', Number(most?.['n'] ?? 0));
    }
  }
}

function count(folder: string): number {
  return names(folder).length;
}

/** Names of folders, so many levels below. */
function folders(path: string, levels = 1): string[] {
  try {
    const here = readdirSync(path, { withFileTypes: true }).filter((entry) => entry.isDirectory());
    return levels === 1
      ? here.map(({ name }) => name)
      : here.flatMap(({ name }) => folders(join(path, name), levels - 1));
  } catch {
    return [];
  }
}

/** Empty where the folder has gone meanwhile. */
function names(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}
