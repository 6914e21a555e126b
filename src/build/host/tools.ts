import { createHash, getHashes, randomBytes } from 'node:crypto';
import { chmod, readFile, rename, rm, symlink } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { exec } from '../../lib/exec.ts';
import { exists, makeFolder, writeDurably } from '../../lib/files.ts';
import { KapalError } from '../../model/errors.ts';
import type { ManagerTool } from '../../model/build-recipe.ts';
import { type FetchedPackage, fetchPackage } from './fetch-package.ts';
import type { RegistrySettings } from './registry.ts';
import { atomically, type Toolchain } from './toolchain.ts';
import type { ToolMarks } from './tool-store.ts';

/** Brings pnpm and yarn. */
export interface Tools {
  /** Throws KapalError `toolchain_missing`. */
  ensure(tool: ManagerTool): Promise<PlacedTool>;
}

interface PlacedTool {
  /** `DATA/toolchain/pnpm-9.15.0`. */
  readonly place: string;
  /** The folder to put on PATH. */
  readonly bin: string;
}

/**
 * Tools in `FOLDER/NAME-VERSION/`, each brought once from the npm registry, its own scripts never run, its integrity checked by npm and against
 * the hash that package.json may demand.
 */
export function createTools(options: {
  folder: string;
  toolchain: () => Promise<Toolchain>;
  registry: () => Promise<RegistrySettings>;
  marks: ToolMarks;
}): Tools {
  const coming = new Map<string, Promise<PlacedTool>>();
  return {
    ensure(tool) {
      const place = join(options.folder, folderName(tool));
      const started = coming.get(place);
      if (started !== undefined) return started;
      const bringing = bring(tool, place, options).finally(() => coming.delete(place));
      coming.set(place, bringing);
      return bringing;
    },
  };
}

function folderName({ name, version, hash }: ManagerTool): string {
  return `${name}-${version}${hash === null ? '' : `-${hash.hex.slice(0, 16)}`}`;
}

async function bring(
  tool: ManagerTool,
  folder: string,
  options: Parameters<typeof createTools>[0],
): Promise<PlacedTool> {
  const toolchain = await options.toolchain();
  await options.marks.mark(folderName(tool));
  if (!(await exists(folder))) {
    const settings = await options.registry();
    await atomically(folder, (part) => place(tool, { part, toolchain, settings }));
  }
  await writeShim(tool, { toolchain, folder: options.folder });
  return { place: folder, bin: join(folder, 'node_modules', '.bin') };
}

async function place(
  tool: ManagerTool,
  { part, toolchain, settings }: { part: string; toolchain: Toolchain; settings: RegistrySettings },
): Promise<void> {
  const download = join(part, 'download');
  const name = packageName(tool);
  const hint =
    'Check the version in package.json (packageManager), and that this machine reaches the registry: npm ping';
  const fetched = await fetchPackage(`${name}@${tool.version}`, { part: download, toolchain, settings, hint });
  await checkHash(tool, fetched);
  const modules = join(part, 'node_modules');
  await makeFolder(dirname(join(modules, name)));
  await rename(fetched.folder, join(modules, name));
  await linkPrograms(modules, name);
  await rm(download, { recursive: true });
  // Whatever umask the daemon has.
  await exec('chmod', ['-R', 'a+rX', '--', part]);
}

/** The field `bin` of its package.json, as npm links it (npm docs, package.json, "bin"): neither pnpm nor yarn has a dependency that is not in its archive. */
async function linkPrograms(modules: string, name: string): Promise<void> {
  const { bin } = JSON.parse(await readFile(join(modules, name, 'package.json'), 'utf8')) as {
    readonly bin: Readonly<Record<string, string>>;
  };
  await makeFolder(join(modules, '.bin'));
  for (const [program, path] of Object.entries(bin)) {
    await chmod(join(modules, name, path), 0o755);
    await symlink(join('..', name, path), join(modules, '.bin', program));
  }
}

/** yarn from version 2 on is published under another name. */
function packageName({ name, version }: ManagerTool): string {
  return name === 'yarn' && !version.startsWith('1.') ? '@yarnpkg/cli-dist' : name;
}

/** corepack's hash is that of the package's tarball; for yarn from version 2 on, of the one file in it that is the program. */
async function checkHash(tool: ManagerTool, { folder, archive }: FetchedPackage): Promise<void> {
  if (tool.hash === null) return;
  const { algorithm, hex } = tool.hash;
  const berry = packageName(tool) !== tool.name;
  const file = berry ? join(folder, 'bin', 'yarn.js') : archive;
  if (!getHashes().includes(algorithm)) throw wrongHash(tool, `${algorithm} is no hash known here`);
  const found = createHash(algorithm)
    .update(await readFile(file))
    .digest('hex');
  if (found !== hex) throw wrongHash(tool, `its ${algorithm} is ${found}`);
}

/**
 * A start command may say `pnpm start` too, and PATH has the toolchain's own folder then: a few lines of sh that pass on to the version that the
 * project asks for, else to the one that was brought last.
 */
async function writeShim(tool: ManagerTool, at: { toolchain: Toolchain; folder: string }): Promise<void> {
  const { name } = tool;
  const text = [
    '#!/bin/sh',
    'here=${0%/*}/../..',
    `asked=$(sed -n 's/.*"packageManager"[[:space:]]*:[[:space:]]*"${name}@\\([0-9][0-9A-Za-z.-]*\\).*/\\1/p' package.json 2>/dev/null | head -n 1)`,
    `for tool in "$here/${name}-$asked" "$here/${name}-$asked"-* "$here/${name}-default"; do`,
    `  [ ! -x "$tool/node_modules/.bin/${name}" ] || exec "$tool/node_modules/.bin/${name}" "$@"`,
    'done',
    `echo "${name}: no version of it is here any more; deploy again" >&2`,
    'exit 127',
    '',
  ].join('\n');
  const path = join(at.toolchain.bin, name);
  if (!(await exists(path))) {
    await writeDurably(path, text, 0o755);
    await chmod(path, 0o755);
  }
  const chosen = join(at.folder, `${name}-default`);
  const fresh = `${chosen}.${randomBytes(6).toString('hex')}`;
  await symlink(folderName(tool), fresh);
  await rename(fresh, chosen);
}

function wrongHash(tool: ManagerTool, what: string): KapalError {
  return new KapalError('toolchain_missing', `${tool.name} ${tool.version} is not what package.json demands: ${what}`, {
    hint: 'If the field packageManager was written by hand, remove the hash from it or run: corepack use',
  });
}
