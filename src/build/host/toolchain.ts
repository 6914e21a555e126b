import { randomBytes } from 'node:crypto';
import { constants } from 'node:fs';
import { chmod, copyFile, link, mkdir, realpath, rename, rm, stat, symlink } from 'node:fs/promises';
import { delimiter, dirname, join } from 'node:path';
import { exec, plainEnvironment } from '../../lib/exec.ts';
import { errorCode, exists, makeFolder } from '../../lib/files.ts';
import { copyTree } from '../../lib/tree/copy.ts';
import { KapalError } from '../../model/errors.ts';

/** Programs that services and builds run, where every user reaches them. Paths are absolute. */
export interface Toolchain {
  /** Goes to the front of PATH: node, npm, npx, and pnpm and yarn once a build needed them. */
  readonly bin: string;
  readonly node: string;
  /** npm-cli.js, to be run with `node`; null where this machine has no npm to copy. */
  readonly npm: string | null;
  /** `24.1.0`. */
  readonly version: string;
}

/**
 * Places the Node that runs the daemon, and the machine's npm, in `FOLDER/node-VERSION/`: services run as other users, who reach neither the
 * checkout nor a home folder. Once placed it costs a few stat calls; the first time half a second, most of it for the copy of npm. May be called
 * again and at the same time. Throws KapalError `toolchain_missing` when `node` does not run.
 */
export async function ensureToolchain(options: {
  /** `DATA/toolchain`. */
  folder: string;
  /** The Node to place: `process.execPath`. */
  node: string;
}): Promise<Toolchain> {
  await makeFolder(options.folder);
  await chmod(options.folder, 0o755);
  const version = await versionOf(options.node);
  const place = join(options.folder, `node-${version}`);
  const bin = join(place, 'bin');
  const node = join(bin, 'node');
  if (!(await exists(node))) await atomically(place, (part) => placeNode(options.node, part));
  const npm = join(place, 'lib', 'node_modules', 'npm');
  const hasNpm = (await exists(npm)) || (await placeNpm({ node, npm, from: await findNpm(options.node) }));
  if (hasNpm) await linkNpm(bin);
  return { bin, node, version, npm: hasNpm ? join(npm, 'bin', 'npm-cli.js') : null };
}

/** Fills a folder beside its place and moves it there; if another was faster, that one stays. */
export async function atomically(place: string, fill: (part: string) => Promise<void>): Promise<void> {
  const part = `${place}.${randomBytes(6).toString('hex')}.part`;
  try {
    await mkdir(part, { mode: 0o755 });
    await chmod(part, 0o755);
    await fill(part);
    await rename(part, place);
  } catch (error) {
    if (!['ENOTEMPTY', 'EEXIST'].includes(errorCode(error) ?? '')) throw error;
  } finally {
    await rm(part, { recursive: true, force: true });
  }
}

async function versionOf(node: string): Promise<string> {
  if (node === process.execPath) return process.versions.node;
  const { stdout, ok, stderr } = await exec(node, ['--version'], { timeout: 20_000 });
  if (ok) return stdout.trim().replace(/^v/, '');
  throw new KapalError('toolchain_missing', `${node} does not run: ${stderr.trim()}`);
}

async function placeNode(from: string, part: string): Promise<void> {
  const bin = join(part, 'bin');
  const node = join(bin, 'node');
  for (const folder of [bin, join(part, 'lib'), join(part, 'lib', 'node_modules')]) {
    await mkdir(folder, { mode: 0o755 });
    await chmod(folder, 0o755);
  }
  const source = await realpath(from);
  // A hard link has the mode of its file: only where everybody may run it. It costs no room; Node has 120 MB.
  const linked = ((await stat(source)).mode & 0o005) === 0o005 && (await tryLink(source, node));
  if (linked) return;
  await copyFile(source, node, constants.COPYFILE_FICLONE);
  await chmod(node, 0o755);
}

/** Other file systems refuse a hard link (EXDEV), and Linux one to another user's file (EPERM, proc(5), protected_hardlinks). */
async function tryLink(from: string, to: string): Promise<boolean> {
  try {
    await link(from, to);
    return true;
  } catch (error) {
    if (['EXDEV', 'EPERM', 'EACCES', 'EMLINK', 'ENOTSUP'].includes(errorCode(error) ?? '')) return false;
    throw error;
  }
}

/** The folder of npm's package: of the `npm` on PATH, else beside the Node. Null where there is none. */
async function findNpm(node: string): Promise<string | null> {
  const onPath = (plainEnvironment()['PATH'] ?? '').split(delimiter).filter((folder) => folder.startsWith('/'));
  const beside = join(dirname(await realpath(node)), '..', 'lib', 'node_modules', 'npm', 'bin', 'npm-cli.js');
  for (const candidate of [...onPath.map((folder) => join(folder, 'npm')), beside]) {
    const program = await realpath(candidate).catch(() => null);
    if (program?.endsWith('/npm/bin/npm-cli.js') === true) return dirname(dirname(program));
  }
  return null;
}

/** Copies npm, proves that the copy runs, and answers whether there is one now. */
async function placeNpm(at: { node: string; npm: string; from: string | null }): Promise<boolean> {
  const { from, npm, node } = at;
  if (from === null) return false;
  const part = `${npm}.${randomBytes(6).toString('hex')}.part`;
  try {
    await copyTree({ from, to: part, owner: null });
    // Where npm was installed under a strict umask, its files are for their owner only.
    await exec('chmod', ['-R', 'a+rX', '--', part]);
    // Debian's own npm package keeps what it needs in other folders: its copy does not run.
    const { ok } = await exec(node, [join(part, 'bin', 'npm-cli.js'), '--version'], { timeout: 20_000 });
    if (!ok) return false;
    await rename(part, npm);
    return true;
  } catch (error) {
    if (['ENOTEMPTY', 'EEXIST'].includes(errorCode(error) ?? '')) return true;
    throw error;
  } finally {
    await rm(part, { recursive: true, force: true });
  }
}

async function linkNpm(bin: string): Promise<void> {
  for (const name of ['npm', 'npx']) {
    await symlink(`../lib/node_modules/npm/bin/${name}-cli.js`, join(bin, name)).catch((error: unknown) => {
      if (errorCode(error) !== 'EEXIST') throw error;
    });
  }
}
