import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { rm, writeFile } from 'node:fs/promises';
import { request } from 'node:http';
import { connect } from 'node:net';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { setTimeout as pause } from 'node:timers/promises';
import type { Ran, TestKapal } from './kapal.ts';

/** A small HTTP server without dependencies: says who it is, and what happens to it. Waits for `BOOT_GATE` and `STOP_GATE`, files of the test; crashes at boot while there is a `CRASH_GATE`. */
export const server = `
const { createServer } = require('node:http');
const { existsSync } = require('node:fs');
const at = (gate, then) => (!gate || existsSync(gate) ? then() : setTimeout(at, 20, gate, then));
console.log('booting ' + process.env.KAPAL_INSTANCE);
if (process.env.CRASH_GATE && existsSync(process.env.CRASH_GATE)) process.exit(7);
at(process.env.BOOT_GATE, () => {
  const web = createServer((request, response) => {
    const asked = new URL(request.url, 'http://x').searchParams;
    if (asked.has('exit')) process.exit(Number(asked.get('exit')));
    const slow = Number(asked.get('slow') ?? 0);
    const answer = () => response.end(JSON.stringify({ pid: process.pid, release: process.env.KAPAL_RELEASE, mode: process.env.MODE ?? null }));
    slow > 0 ? setTimeout(answer, slow) : answer();
  });
  web.listen(Number(process.env.PORT), process.env.HOST, () => console.log('listening'));
  process.on('SIGTERM', () => {
    console.log('asked to stop');
    at(process.env.STOP_GATE, () => web.close(() => (console.log('stopped in order'), process.exit(0))));
    web.closeIdleConnections();
  });
});
`;

/** A project of one web service made of \`server\`; \`more\` stands below the service, six spaces deep. */
export function shop(
  name: string,
  more: readonly string[] = [],
  files: Readonly<Record<string, string>> = {},
): Record<string, string> {
  const service = [
    '  - type: web',
    `    name: ${name}`,
    '    runtime: node',
    '    startCommand: node server.js',
    '    healthCheckPath: /healthz',
  ];
  return {
    'kapal.yaml': [`project: ${name}`, 'services:', ...service, ...more.map((line) => `    ${line}`), ''].join('\n'),
    'server.js': server,
    ...files,
  };
}

/** A file that programs of the test wait for. */
export class Gate {
  readonly path: string;

  constructor(kapal: TestKapal, name: string) {
    this.path = join(kapal.folder, `gate-${name}`);
  }

  async open(): Promise<void> {
    await writeFile(this.path, '', { mode: 0o644 });
  }

  async close(): Promise<void> {
    await rm(this.path, { force: true });
  }

  /** As a shell waits for it. */
  get wait(): string {
    return `while [ ! -e ${this.path} ]; do sleep 0.05; done`;
  }
}

/** Looks until it finds; answers what it found. */
export async function eventually<T>(
  what: string,
  look: () => Promise<T | null | undefined | false> | T | null | undefined | false,
  seconds = 30,
): Promise<T> {
  const deadline = performance.now() + seconds * 1000;
  for (;;) {
    const found = await look();
    if (found !== null && found !== undefined && found !== false) return found;
    if (performance.now() > deadline) throw new Error(`not seen within ${seconds} s: ${what}`);
    await pause(25);
  }
}

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
  const keeper = new RegExp(`${kapal.data}/runs/runs/(\\S+)`).exec(command)?.[1] ?? null;
  const isDaemon = command.includes(`main.ts up`) && command.includes(kapal.data);
  if (mark === null && held === null && !command.includes(`${kapal.data}/`) && !isDaemon) return null;
  const role = isDaemon
    ? 'daemon'
    : mark !== null || held !== null
      ? 'app'
      : keeper !== null
        ? 'keeper'
        : command.includes(`${kapal.data}/edge`)
          ? 'edge'
          : 'other';
  const uid = Number(/^Uid:\t\d+\t(\d+)/m.exec(text(`/proc/${pid}/status`))?.[1] ?? -1);
  return { pid, parent: Number(fields[1]), uid, command, role, run: mark ?? held ?? keeper };
}

/** The eight characters that stand in the names of the install's users and control groups; null before the first start. */
export function installOf(kapal: Install): string | null {
  const path = join(kapal.data, 'record', 'record.db');
  if (!existsSync(path)) return null;
  using database = new DatabaseSync(path, { readOnly: true, timeout: 1_000 });
  const row = database.prepare("SELECT value FROM facts WHERE key = 'install'").get();
  return typeof row?.['value'] === 'string' ? row['value'] : null;
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
    const owned = (run: string | null) => run !== null && owners.includes(run.slice(0, run.lastIndexOf('.')));
    const strays = processesOf(kapal).filter(
      ({ role, run }) => role === 'other' || ((role === 'app' || role === 'keeper') && !owned(run)),
    );
    const folders = runFolders(kapal).filter((run) => !owned(run));
    wrong = JSON.stringify({ owners, strays, folders });
    return strays.length === 0 && folders.length === 0;
  }).catch((error: unknown) => {
    throw new Error(`${String(error)}: ${wrong}`);
  });
}

/** What is left of an install whose everything should be gone: processes, control groups, run folders, sockets. */
export function leftovers(kapal: Install): string[] {
  const install = installOf(kapal);
  const groups = ['memory', 'cpuacct', 'cpu,cpuacct', 'unified', '.'].map((name) =>
    join('/sys/fs/cgroup', name, `kapal-${install}`),
  );
  return [
    ...processesOf(kapal).map(({ pid, role, command }) => `${role} ${pid}: ${command.slice(0, 200)}`),
    ...groups.filter((path) => existsSync(path)),
    ...runFolders(kapal),
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

/** A command that goes on while the test does something else. */
export interface Going {
  readonly ended: Promise<Ran>;
}

export function going(kapal: TestKapal, ...args: readonly string[]): Going {
  return { ended: kapal.run(...args, '--json') };
}

/** Ids of instances with their pids and restarts: equal before and after means that nobody noticed. */
export async function facesOf(kapal: TestKapal): Promise<string[]> {
  return (await kapal.ps())
    .flatMap(({ service, instances }) =>
      instances.map(({ id, pid, restarts, state }) => `${service} ${id} ${pid} ${restarts} ${state}`),
    )
    .toSorted();
}

/** Asks the edge again and again on connections of its own until stopped; answers what did not come back as 200. */
export function visitor(
  kapal: TestKapal,
  host: string,
): AsyncDisposable & { stop(): Promise<{ requests: number; failures: string[] }> } {
  let over = false;
  let requests = 0;
  const failures: string[] = [];
  const work = (async () => {
    while (!over) {
      requests += 1;
      const answer = await kapal
        .visit(host)
        .then((visit) => (visit.status === 200 ? null : `status ${visit.status}`), String);
      if (answer !== null) failures.push(answer);
      await pause(5);
    }
  })();
  const stop = async () => {
    over = true;
    await work;
    return { requests, failures };
  };
  return { stop, [Symbol.asyncDispose]: async () => void (await stop()) };
}

/** One request to the API on its Unix socket, past the command line. */
export function ask(
  kapal: TestKapal,
  path: string,
  options: { method?: string; body?: unknown } = {},
): Promise<{ status: number; body: unknown }> {
  return new Promise((resolve, reject) => {
    const sent = options.body === undefined ? {} : { 'content-type': 'application/json' };
    const outgoing = request(
      {
        socketPath: join(kapal.data, 'kapal.sock'),
        path: `/api/v1${path}`,
        method: options.method ?? 'GET',
        headers: sent,
        agent: false,
      },
      (response) => {
        let said = '';
        response.setEncoding('utf8').on('data', (part: string) => (said += part));
        response.on('end', () =>
          resolve({ status: response.statusCode ?? 0, body: said === '' ? null : JSON.parse(said) }),
        );
      },
    );
    outgoing.on('error', reject);
    outgoing.end(options.body === undefined ? undefined : JSON.stringify(options.body));
  });
}

/** Bytes to a port and all that comes back until the other side ends, or says nothing for a while. */
export function exchange(port: number, bytes: string, silence = 1_500): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host: '127.0.0.1', port });
    let back = '';
    const end = () => {
      socket.destroy();
      resolve(back);
    };
    socket.setTimeout(silence, end);
    socket.on('data', (part) => (back += part.toString('latin1')));
    socket.on('close', end);
    socket.on('error', (error) => (back === '' ? reject(error) : end()));
    socket.write(bytes, 'latin1');
  });
}

/** Every file below a folder, as bytes in one-byte characters. */
export function* filesBelow(folder: string): Generator<{ path: string; content: string }> {
  for (const entry of readdirSync(folder, { recursive: true, withFileTypes: true })) {
    const path = join(entry.parentPath, entry.name);
    if (entry.isFile()) yield { path, content: readFileSync(path, 'latin1') };
  }
}

export function text(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}
