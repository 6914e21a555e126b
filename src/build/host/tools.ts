import { createHash, getHashes, randomBytes } from 'node:crypto';
import { chmod, readdir, readFile, rename, rm, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { exec, type ExecResult } from '../../lib/exec.ts';
import { exists, makeFolder, writeDurably } from '../../lib/files.ts';
import { KapalError } from '../../model/errors.ts';
import type { ManagerTool } from '../../model/build-recipe.ts';
import { npmFailure, runNpm } from './npm.ts';
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
  place: string,
  options: Parameters<typeof createTools>[0],
): Promise<PlacedTool> {
  const toolchain = await options.toolchain();
  await options.marks.mark(folderName(tool));
  if (!(await exists(place))) {
    const { environment } = await options.registry();
    await atomically(place, (part) => install({ tool, part, toolchain, environment }));
  }
  await writeShim(tool, { toolchain, folder: options.folder });
  return { place, bin: join(place, 'node_modules', '.bin') };
}

async function install(at: {
  tool: ManagerTool;
  part: string;
  toolchain: Toolchain;
  environment: Readonly<Record<string, string>>;
}): Promise<void> {
  const { tool, part } = at;
  const npm = (args: readonly string[]) => runNpm(at, args);
  const download = join(part, 'download');
  await makeFolder(download);
  const packed = await npm(['pack', '--pack-destination', download, '--', `${packageName(tool)}@${tool.version}`]);
  const [tarball] = await readdir(download);
  if (!packed.ok || tarball === undefined) throw notBrought(tool, packed);
  const installed = await npm(['install', '--prefix', part, '--no-save', '--', join(download, tarball)]);
  if (!installed.ok) throw notBrought(tool, installed);
  await checkHash(tool, { part, tarball: join(download, tarball) });
  await rm(download, { recursive: true });
  await rm(join(part, 'home'), { recursive: true, force: true });
  // Whatever umask the daemon has.
  await exec('chmod', ['-R', 'a+rX', '--', part]);
}

/** yarn from version 2 on is published under another name. */
function packageName({ name, version }: ManagerTool): string {
  return name === 'yarn' && !version.startsWith('1.') ? '@yarnpkg/cli-dist' : name;
}

/** corepack's hash is that of the package's tarball; for yarn from version 2 on, of the one file in it that is the program. */
async function checkHash(tool: ManagerTool, at: { part: string; tarball: string }): Promise<void> {
  if (tool.hash === null) return;
  const { algorithm, hex } = tool.hash;
  const berry = packageName(tool) !== tool.name;
  const file = berry ? join(at.part, 'node_modules', '@yarnpkg', 'cli-dist', 'bin', 'yarn.js') : at.tarball;
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

function notBrought(tool: ManagerTool, result: ExecResult): KapalError {
  const { reason, log } = npmFailure(result);
  return new KapalError(
    'toolchain_missing',
    `${tool.name} ${tool.version} could not be brought from the npm registry: ${reason}`,
    {
      hint: 'Check the version in package.json (packageManager), and that this machine reaches the registry: npm ping',
      log,
    },
  );
}

function wrongHash(tool: ManagerTool, what: string): KapalError {
  return new KapalError('toolchain_missing', `${tool.name} ${tool.version} is not what package.json demands: ${what}`, {
    hint: 'If the field packageManager was written by hand, remove the hash from it or run: corepack use',
  });
}
