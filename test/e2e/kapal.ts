import { type ChildProcess, execFile, type ExecFileException, spawn } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { chmod, cp, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { request } from 'node:http';
import { constants, tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { DeployDocument, InstanceDocument, ServiceDocument } from '../../src/api/contract/types.ts';
import { freePort } from '../free-port.ts';
import { hang, until as untilSo } from '../patience.ts';
import { placeToolchain } from '../toolchain.ts';
import { type Answer, askApi } from './api.ts';

export const checkout = fileURLToPath(new URL('../..', import.meta.url));

export interface Ran {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

export interface RunOptions {
  readonly cwd?: string;
  readonly input?: string;
  readonly env?: Readonly<Record<string, string>>;
}

export interface Visit {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: string;
}

/** A Kapal of the test's own, used as a person would: through `./kapal`. */
export class TestKapal implements AsyncDisposable {
  readonly folder: string;
  readonly data: string;
  readonly http: number;
  readonly https: number;
  readonly api: number;
  /** The engine that `up` asks for. */
  edge: 'embedded' | 'nginx' | 'auto' = 'embedded';
  /** What starts the daemon: a program and arguments that end by becoming the command which follows them. Empty: nothing does. */
  under: readonly string[] = [];
  /** For the daemon alone. */
  more: Readonly<Record<string, string>> = {};
  /** Where the daemon is started from: this checkout, or another version of it. */
  version = checkout;
  daemon: ChildProcess | null = null;

  private constructor(parts: { folder: string; http: number; https: number; api: number }) {
    this.folder = parts.folder;
    this.data = join(parts.folder, 'data');
    this.http = parts.http;
    this.https = parts.https;
    this.api = parts.api;
  }

  /** A folder and ports; no daemon yet. `bare`: without a data folder, so that the first start places everything. */
  static async prepare({ bare = false } = {}): Promise<TestKapal> {
    const folder = await mkdtemp(join(tmpdir(), 'kapal-e2e-'));
    await chmod(folder, 0o755);
    if (!bare) await placeToolchain(join(folder, 'data', 'toolchain'));
    return new TestKapal({ folder, http: await freePort(), https: await freePort(), api: await freePort() });
  }

  static async start(): Promise<TestKapal> {
    const kapal = await TestKapal.prepare();
    try {
      await kapal.up();
    } catch (error) {
      await kapal.discard();
      throw error;
    }
    return kapal;
  }

  /** Starts the daemon in the foreground of a child and waits until it answers. */
  async up(flags: readonly string[] = []): Promise<void> {
    const args = [
      'up',
      '--data',
      this.data,
      '--http',
      `127.0.0.1:${this.http}`,
      '--https',
      `127.0.0.1:${this.https}`,
      '--api',
      `127.0.0.1:${this.api}`,
      // Whatever this machine has installed; tests of the other engine say so.
      ...(flags.includes('--edge') ? [] : ['--edge', this.edge]),
      ...flags,
    ];
    const [program = '', ...words] = [...this.under, join(this.version, 'kapal'), ...args];
    const daemon = spawn(program, words, {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...this.#daemonEnvironment(), ...this.more },
    });
    this.daemon = daemon;
    let said = '';
    daemon.stdout.on('data', (part: Buffer) => (said += part.toString()));
    daemon.stderr.on('data', (part: Buffer) => (said += part.toString()));
    const answers = until('the daemon answers', async () => {
      if (hasEnded(daemon)) throw new Error(`the daemon ended with ${daemon.exitCode ?? daemon.signalCode}: ${said}`);
      // Asking before it has said that it is ready would take the processor that it needs for its start.
      return said !== '' && (await askApi(this.data, '/services').catch(() => null))?.status === 200;
    });
    await answers.catch(async (error: unknown) => {
      // Nobody else would end what a start that took too long has begun.
      if (!hasEnded(daemon)) await this.run('down', '--apps');
      await this.killDaemon();
      throw error;
    });
  }

  /** nginx is started with authorities in a folder: reading one file of them takes it a third of a second of processor, each time. */
  #daemonEnvironment(): Record<string, string> {
    const { SSL_CERT_FILE, ...rest } = environment();
    // Builds reach a registry of a private authority by NODE_EXTRA_CA_CERTS too.
    const needless = rest['NODE_EXTRA_CA_CERTS'] !== undefined || this.edge === 'nginx';
    return needless || SSL_CERT_FILE === undefined ? rest : { ...rest, SSL_CERT_FILE };
  }

  /** SIGKILL to the daemon alone. */
  async killDaemon(): Promise<void> {
    const { daemon } = this;
    this.daemon = null;
    if (daemon === null || hasEnded(daemon)) return;
    const ended = new Promise((resolve) => daemon.once('exit', resolve));
    daemon.kill('SIGKILL');
    await ended;
  }

  /** Any command of the command line. */
  run(...args: readonly string[]): Promise<Ran> {
    return this.runWith({}, ...args);
  }

  runWith(options: RunOptions, ...args: readonly string[]): Promise<Ran> {
    return this.begin(options, ...args).ran;
  }

  /** A command that the test itself may end. */
  begin(options: RunOptions, ...args: readonly string[]): { readonly child: ChildProcess; readonly ran: Promise<Ran> } {
    const { promise, resolve } = Promise.withResolvers<Ran>();
    const child = execFile(
      join(checkout, 'kapal'),
      args,
      {
        cwd: options.cwd ?? this.folder,
        env: { ...environment(), KAPAL_DATA: this.data, ...options.env },
        maxBuffer: 64 * 1024 * 1024,
        timeout: 500_000,
      },
      (error, stdout, stderr) => resolve({ code: codeOf(error), stdout, stderr }),
    );
    child.stdin?.on('error', () => undefined);
    child.stdin?.end(options.input ?? '');
    return { child, ran: promise };
  }

  /** A command with `--json`; fails the test with what was said unless it exits with `code`. */
  async json<T>(args: readonly string[], code = 0): Promise<T> {
    const ran = await this.run(...args, '--json');
    if (ran.code !== code)
      throw new Error(`kapal ${args.join(' ')} exited ${ran.code}, not ${code}\n${ran.stdout}\n${ran.stderr}`);
    return JSON.parse(ran.stdout) as T;
  }

  deploy(folder: string, ...flags: readonly string[]): Promise<DeployDocument> {
    return this.json<DeployDocument>(['deploy', folder, ...flags]);
  }

  deployFailing(folder: string, ...flags: readonly string[]): Promise<DeployDocument> {
    return this.json<DeployDocument>(['deploy', folder, ...flags], 1);
  }

  /** As `kapal ps --json` prints it, past the command line: a process for each look would cost more than what is looked at. */
  async ps(): Promise<readonly ServiceDocument[]> {
    const found = await this.get<readonly ServiceDocument[]>('/services');
    return found.map((service) => ({ ...service, instances: service.instances.map(withoutNoExit) }));
  }

  /** What the API answers to a GET; fails the test where it refuses. */
  async get<T>(path: string): Promise<T> {
    const { status, body } = await askApi(this.data, path);
    if (status !== 200) throw new Error(`GET ${path} was answered with ${status}: ${JSON.stringify(body)}`);
    return body as T;
  }

  async service(name: string): Promise<ServiceDocument> {
    const found = (await this.ps()).find((service) => service.service === name);
    if (found === undefined) throw new Error(`no service ${name}`);
    return found;
  }

  /** The service as soon as it is as wanted. */
  async serviceOnce(
    name: string,
    holds: (service: ServiceDocument) => boolean,
    seconds = hang / 1000,
  ): Promise<ServiceDocument> {
    let seen = await this.service(name);
    await until(`${name} as wanted`, async () => holds((seen = await this.service(name))), seconds).catch(
      (error: unknown) => {
        throw new Error(`${name} is ${JSON.stringify(seen)}`, { cause: error });
      },
    );
    return seen;
  }

  /** A project folder with these files. */
  async project(name: string, files: Readonly<Record<string, string>>): Promise<string> {
    const folder = join(this.folder, name);
    await rm(folder, { recursive: true, force: true });
    for (const [path, text] of Object.entries(files)) {
      await mkdir(dirname(join(folder, path)), { recursive: true });
      await writeFile(join(folder, path), text);
    }
    return folder;
  }

  async example(name: string): Promise<string> {
    const folder = join(this.folder, name);
    await cp(join(checkout, 'examples', name), folder, { recursive: true });
    return folder;
  }

  /** One request to the edge, or to `port`, on a connection of its own. */
  visit(
    host: string,
    path = '/',
    options: { method?: string; body?: string; headers?: Readonly<Record<string, string>>; port?: number } = {},
  ): Promise<Visit> {
    return new Promise((resolve, reject) => {
      const outgoing = request(
        {
          host: '127.0.0.1',
          port: options.port ?? this.http,
          path,
          method: options.method ?? 'GET',
          headers: { host, ...options.headers },
          agent: false,
          timeout: hang,
        },
        (response) => {
          const parts: Buffer[] = [];
          response.on('data', (part: Buffer) => parts.push(part));
          response.on('error', reject);
          response.on('end', () =>
            resolve({
              status: response.statusCode ?? 0,
              headers: response.headers,
              body: Buffer.concat(parts).toString(),
            }),
          );
        },
      );
      outgoing.on('timeout', () => outgoing.destroy(new Error('no answer')));
      outgoing.on('error', reject);
      outgoing.end(options.body);
    });
  }

  /** Removes the folder of one whose daemon was never started. */
  async discard(): Promise<void> {
    await rm(this.folder, { recursive: true, force: true, maxRetries: 5 });
  }

  /** Ends and removes everything that the test made, whatever the test did to its daemon. Throws where something may be left. */
  async [Symbol.asyncDispose](): Promise<void> {
    // Without a record there was no daemon that could have begun anything.
    if (!existsSync(join(this.data, 'record', 'record.db'))) return this.discard();
    const endings = await this.#removeProjects();
    endings.push(await askApi(this.data, '/shutdown', { method: 'POST', body: { apps: true } }));
    await this.#daemonEnded();
    await this.discard();
    refuseFailed(endings);
  }

  /** Removes every project, whatever the test did to its daemon: for the next test of the file it is as new. */
  async clear(): Promise<void> {
    refuseFailed(await this.#removeProjects());
  }

  async #removeProjects(): Promise<Answer[]> {
    const { daemon } = this;
    const runs = daemon !== null && !hasEnded(daemon) && !isZombie(daemon);
    if (!runs) await this.up();
    const endings: Answer[] = [];
    for (const project of new Set((await this.ps()).map((service) => service.project)))
      endings.push(await askApi(this.data, `/projects/${project}?withDisks=true`, { method: 'DELETE' }));
    return endings;
  }

  /** Resolves when the daemon, which has agreed to end, is gone; one that hangs is killed, and that fails the test. */
  async #daemonEnded(): Promise<void> {
    const { daemon } = this;
    try {
      await until('the daemon ends', async () => daemon === null || hasEnded(daemon));
    } finally {
      await this.killDaemon();
    }
  }
}

export function hasEnded({ exitCode, signalCode }: ChildProcess): boolean {
  return exitCode !== null || signalCode !== null;
}

/** It has ended (`kapal down` waits for that), and Node has not said so yet. */
function isZombie({ pid }: ChildProcess): boolean {
  try {
    return /\) Z /.test(readFileSync(`/proc/${pid}/stat`, 'utf8'));
  } catch {
    return true;
  }
}

function refuseFailed(endings: readonly Answer[]): void {
  const failed = endings.filter(({ status }) => status >= 300);
  if (failed.length > 0) throw new Error(`something may be left: ${JSON.stringify(failed)}`);
}

/** What runs undisturbed has exactly the keys of the command line's contract. */
function withoutNoExit(instance: InstanceDocument): InstanceDocument {
  const { lastExit, ...rest } = instance;
  // The cast: documents of the command line leave out what the API says is null.
  return lastExit === null ? (rest as InstanceDocument) : instance;
}

/** Looks until it holds. */
export function until(what: string, holds: () => Promise<boolean>, seconds = hang / 1000): Promise<void> {
  return untilSo(what, holds, seconds * 1000);
}

/** As a shell reports it: 128 and the number of the signal for a program that one ended. */
function codeOf(error: ExecFileException | null): number {
  if (error === null) return 0;
  if (typeof error.code === 'number') return error.code;
  return error.signal === undefined || error.signal === null ? 255 : 128 + constants.signals[error.signal];
}

/** Command lines of the processes whose command line holds these words. */
export async function processesLike(words: string): Promise<readonly string[]> {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name) && name !== String(process.pid));
  const lines = await Promise.all(pids.map((pid) => readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')));
  return lines.map((line) => line.replaceAll('\0', ' ').trim()).filter((line) => line.includes(words));
}

/** The processes of a group that still run. A zombie, whose parent has not asked for its end yet, runs no more (proc_pid_stat(5)). */
export async function groupOf(leader: number): Promise<readonly number[]> {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name));
  const stats = await Promise.all(pids.map((pid) => readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '')));
  return stats.flatMap((stat) => {
    const [state, , group] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return state !== 'Z' && Number(group) === leader ? [Number.parseInt(stat, 10)] : [];
  });
}

/** Without what a user's own Kapal would need. */
function environment(): Record<string, string> {
  return Object.fromEntries(
    Object.entries(process.env).flatMap(([key, value]) =>
      value === undefined || key.startsWith('KAPAL_') ? [] : [[key, value]],
    ),
  );
}
