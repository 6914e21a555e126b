import { createHash } from 'node:crypto';
import { readFile, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { exec } from '../../lib/exec.ts';
import { exists, writeDurably } from '../../lib/files.ts';

/** How this machine reaches the package registry, as environment for builds. Never a token. */
export interface RegistrySettings {
  /** For npm, pnpm and yarn 1, and Node itself. */
  readonly environment: Readonly<Record<string, string>>;
  /** What yarn from version 2 on reads instead. */
  readonly berry: Readonly<Record<string, string>>;
}

const NPM_KEYS = ['registry', 'cafile', 'proxy', 'https-proxy', 'noproxy'] as const;
type NpmKey = (typeof NPM_KEYS)[number];

const FILES = ['NODE_EXTRA_CA_CERTS', 'SSL_CERT_FILE'];
const PLAIN = [
  'SSL_CERT_DIR',
  'http_proxy',
  'https_proxy',
  'all_proxy',
  'no_proxy',
  'HTTP_PROXY',
  'HTTPS_PROXY',
  'ALL_PROXY',
  'NO_PROXY',
];

/**
 * Reads the settings once, at the first call: the daemon's environment, and what the machine's npm is configured to (the copy that builds
 * use has lost the configuration files of the original). A registry that presents a private authority fails each build after more than a minute without them.
 */
export function registrySettings(options: {
  /** Where certificates are copied to that builds could not read in their place. */
  folder: string;
  environment: Readonly<Record<string, string | undefined>>;
}): () => Promise<RegistrySettings> {
  let settings: Promise<RegistrySettings> | null = null;
  return () => {
    settings ??= readSettings(options).catch((error: unknown) => {
      settings = null;
      throw error;
    });
    return settings;
  };
}

async function readSettings({
  folder,
  environment,
}: Parameters<typeof registrySettings>[0]): Promise<RegistrySettings> {
  const npm = await readNpm(environment);
  const cafile = npm.get('cafile');
  const files = new Map(FILES.flatMap((name) => pair(name, environment[name])));
  if (cafile !== undefined && !files.has('NODE_EXTRA_CA_CERTS')) files.set('NODE_EXTRA_CA_CERTS', cafile);
  const reachable = new Map<string, string>(PLAIN.flatMap((name) => pair(name, environment[name])));
  for (const [name, path] of files) await setReachable(reachable, { name, path, folder });
  if (cafile !== undefined) await setReachable(reachable, { name: 'npm_config_cafile', path: cafile, folder });
  const registry = withoutCredentials(npm.get('registry'));
  const proxies = [
    ...pair('npm_config_registry', registry),
    ...pair('npm_config_proxy', npm.get('proxy')),
    ...pair('npm_config_https_proxy', npm.get('https-proxy')),
    ...pair('npm_config_noproxy', npm.get('noproxy')),
  ];
  return {
    environment: { ...Object.fromEntries(reachable), ...Object.fromEntries(proxies) },
    berry: Object.fromEntries([
      ...pair('YARN_NPM_REGISTRY_SERVER', registry?.replace(/\/+$/, '')),
      ...pair('YARN_HTTP_PROXY', npm.get('proxy')),
      ...pair('YARN_HTTPS_PROXY', npm.get('https-proxy')),
    ]),
  };
}

/** All keys in one call; one by one where npm refuses one of them, as it does for a registry with a password in its URL. */
async function readNpm(
  environment: Readonly<Record<string, string | undefined>>,
): Promise<ReadonlyMap<NpmKey, string>> {
  const env = Object.fromEntries(Object.entries(environment).flatMap(([name, value]) => pair(name, value)));
  const get = (keys: readonly NpmKey[]) => exec('npm', ['config', 'get', ...keys], { cwd: '/', env, timeout: 20_000 });
  const all = await get(NPM_KEYS);
  if (all.ok || all.missing) return parseNpm(all.stdout);
  const each = await Promise.all(NPM_KEYS.map(async (key) => ({ key, result: await get([key]) })));
  return parseNpm(each.map(({ key, result }) => (result.ok ? `${key}=${result.stdout.trim()}` : '')).join('\n'));
}

/** `key=value` lines, as `npm config get` prints several keys; `null` stands for what is not set. */
function parseNpm(text: string): ReadonlyMap<NpmKey, string> {
  const values = new Map<NpmKey, string>();
  for (const line of text.split('\n')) {
    const key = NPM_KEYS.find((name) => line.startsWith(`${name}=`));
    const value = key === undefined ? '' : line.slice(key.length + 1).trim();
    if (key !== undefined && value !== '' && value !== 'null' && value !== 'undefined') values.set(key, value);
  }
  return values;
}

/** Older releases of npm print it with its password. */
function withoutCredentials(url: string | undefined): string | undefined {
  if (url === undefined || !URL.canParse(url)) return undefined;
  const parsed = new URL(url);
  parsed.username = '';
  parsed.password = '';
  return parsed.href;
}

async function setReachable(
  into: Map<string, string>,
  file: { name: string; path: string; folder: string },
): Promise<void> {
  const path = await reachablePath(file.path, file.folder);
  if (path !== null) into.set(file.name, path);
}

/** A path at which every user can read the certificates; null where they cannot be read at all. */
async function reachablePath(path: string, folder: string): Promise<string | null> {
  const content = await readFile(path).catch(() => null);
  if (content === null) return null;
  if (await everyoneReads(path)) return path;
  const copy = join(folder, `ca-${createHash('sha256').update(content).digest('hex').slice(0, 16)}.pem`);
  if (!(await exists(copy))) await writeDurably(copy, content, 0o644);
  return copy;
}

async function everyoneReads(path: string): Promise<boolean> {
  if (((await stat(path)).mode & 0o004) === 0) return false;
  for (let folder = dirname(path); ; folder = dirname(folder)) {
    if (((await stat(folder)).mode & 0o001) === 0) return false;
    if (folder === dirname(folder)) return true;
  }
}

function pair(name: string, value: string | undefined): [string, string][] {
  return value === undefined || value === '' ? [] : [[name, value]];
}
