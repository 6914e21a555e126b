import { readFileSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { exists, readIfThere } from '../../lib/files.ts';
import { KapalError } from '../../model/errors.ts';
import { type AccountNames, namesOf, reachProblem, type WorkerAccount } from './account.ts';
import type { SocketAddress } from './address.ts';
import { wantedDescriptors } from './config/limits.ts';
import { type Configuration, renderConfiguration } from './config/render.ts';
import type { Authorities, EngineSettings } from './config/settings.ts';
import { installEngine } from './engine.ts';
import type { EdgeFolder } from './folder.ts';
import { furnishFolder } from './furnish.ts';
import { type FoundNginx, locateNginx, type NginxPlaces } from './locate.ts';

/** What is to run: the program, the whole configuration, and what it is made of. */
export interface EdgePlan {
  readonly nginx: FoundNginx;
  readonly settings: EngineSettings;
  readonly configuration: Configuration;
  /** Tried without a public port (rehearsal.ts). */
  readonly rehearsed?: true;
}

export interface PlanOptions {
  readonly folder: EdgeFolder;
  readonly http: SocketAddress;
  readonly https: SocketAddress | null;
  readonly workers: number;
  readonly account: WorkerAccount | null;
  readonly places: NginxPlaces | undefined;
  readonly tableMemory: number;
  /** Picks a port where 0 is asked for, and refuses one that another program holds. */
  readonly claim: (address: SocketAddress, protocol: 'http' | 'https') => Promise<number>;
  readonly note: (text: string) => void;
}

/** Finds out what can run here and furnishes the folder for it. Throws `edge_failed` without nginx, `port_taken`. */
export async function planEdge(options: PlanOptions): Promise<EdgePlan> {
  const { folder } = options;
  const nginx = await locateNginx(options.places);
  if (!nginx.found)
    throw new KapalError('edge_failed', `The nginx edge cannot run: ${nginx.why}`, {
      hint: 'On Debian and Ubuntu `kapal edge install` installs what is needed; `--edge embedded` needs nothing.',
    });
  const running = await readAddresses(folder);
  const http = await settle(options, { protocol: 'http', wanted: options.http, running: running?.http ?? null });
  const https =
    options.https === null
      ? null
      : await settle(options, { protocol: 'https', wanted: options.https, running: running?.https ?? null });
  const { engine, user } = await furnish(options);
  const settings: EngineSettings = {
    http,
    https,
    workers: options.workers,
    user,
    modules: nginx.modules,
    luaPath: nginx.luaPath,
    luaCPath: nginx.luaCPath,
    engine,
    tableMemory: options.tableMemory,
    descriptors: Math.min(wantedDescriptors, descriptorLimit()),
    authorities: await authoritiesHere(),
  };
  return { nginx, settings, configuration: renderConfiguration(settings) };
}

/** The address with the port that is to be bound: for port 0 the one of last time, as long as nobody else has it. */
async function settle(
  { claim }: PlanOptions,
  listener: {
    readonly protocol: 'http' | 'https';
    readonly wanted: SocketAddress;
    readonly running: SocketAddress | null;
  },
): Promise<SocketAddress> {
  const { protocol, wanted, running } = listener;
  if (wanted.port !== 0) return { host: wanted.host, port: await claim(wanted, protocol) };
  if (running !== null && running.host === wanted.host) {
    const port = await claim(running, protocol).catch(() => null);
    if (port !== null) return running;
  }
  return { host: wanted.host, port: await claim(wanted, protocol) };
}

/**
 * The folder as the workers' user needs it. Where that user has no name or cannot reach the folder (below a private one), workers run as the master's
 * user: the edge answering comes first, and it is noted.
 */
async function furnish(options: PlanOptions): Promise<{ engine: string; user: AccountNames | null }> {
  const { folder, note } = options;
  if (process.getuid?.() !== 0) {
    await furnishFolder(folder, null);
    return { engine: await installEngine(folder.path), user: null };
  }
  const { account } = options;
  await furnishFolder(folder, account);
  const engine = await installEngine(folder.path);
  const root = { name: 'root', group: 'root' };
  if (account === null) return { engine, user: root };
  const names = await namesOf(account);
  const problem =
    names === null
      ? `uid ${account.uid} or gid ${account.gid} has no name`
      : await reachProblem(account, `${folder.path}/${engine}/lua/kapal/boot.lua`);
  if (names !== null && problem === null) return { engine, user: names };
  note(`edge: nginx cannot run its workers as uid ${account.uid}, so they run as root: ${String(problem)}`);
  await furnishFolder(folder, null);
  return { engine, user: root };
}

/** The addresses that the last configuration has; `null` before the first. */
export async function readAddresses(
  folder: EdgeFolder,
): Promise<{ readonly http: SocketAddress; readonly https: SocketAddress | null } | null> {
  const text = await readIfThere(folder.settings);
  if (text === null) return null;
  try {
    const read = JSON.parse(text) as { readonly http?: unknown; readonly https?: unknown };
    const http = asAddress(read.http);
    return http === null ? null : { http, https: asAddress(read.https) };
  } catch {
    return null;
  }
}

function asAddress(value: unknown): SocketAddress | null {
  if (typeof value !== 'object' || value === null || !('host' in value) || !('port' in value)) return null;
  const { host, port } = value;
  return typeof host === 'string' && typeof port === 'number' ? { host, port } : null;
}

/** The hard limit of this process, which its children cannot exceed (getrlimit(2)); root in a container often cannot either. */
function descriptorLimit(): number {
  const hard = /^Max open files\s+\S+\s+(\d+)/m.exec(readFileSync('/proc/self/limits', 'utf8'))?.[1];
  return hard === undefined ? wantedDescriptors : Number(hard);
}

/**
 * SSL_CERT_FILE and SSL_CERT_DIR come before what is usual, as OpenSSL has it. A folder comes before a file: nginx then need not read all of them at its
 * start.
 */
async function authoritiesHere(): Promise<Authorities | null> {
  const { SSL_CERT_FILE: file, SSL_CERT_DIR: folder } = process.env;
  if (file !== undefined && (await exists(file))) return { kind: 'file', path: file };
  for (const path of [...(folder === undefined ? [] : [folder]), '/etc/ssl/certs', '/etc/pki/tls/certs'])
    if (await isHashed(path)) return { kind: 'folder', path };
  for (const path of ['/etc/ssl/certs/ca-certificates.crt', '/etc/pki/tls/certs/ca-bundle.crt', '/etc/ssl/cert.pem'])
    if (await exists(path)) return { kind: 'file', path };
  return null;
}

/** Whether OpenSSL finds certificates there by the digests of their names (openssl-rehash(1)). */
async function isHashed(folder: string): Promise<boolean> {
  const names = await readdir(folder).catch(() => []);
  return names.some((name) => /^[0-9a-f]{8}\.\d+$/.test(name));
}
