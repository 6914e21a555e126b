import { constants } from 'node:fs';
import { lstat, open, realpath } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { errorCode, isMissing } from '../../lib/files.ts';
import { KapalError } from '../../model/errors.ts';

/** The part of a package.json that decides a build. */
export interface Manifest {
  readonly scripts: Readonly<Record<string, string>>;
  readonly hasDependencies: boolean;
  readonly hasWorkspaces: boolean;
  readonly packageManager: string | null;
  /** The field `pnpm` names packages that may run install scripts: written for pnpm 10. */
  readonly hasBuiltDependencies: boolean;
}

/** Larger than any package.json; bytes. */
const LARGEST = 4 * 1024 * 1024;
const HEAD = 4 * 1024;

/**
 * The real path of the build's working folder. The folder belongs to the service's user, so it is checked here that `rootDir` leads nowhere else.
 * Throws KapalError `declaration_invalid`.
 */
export async function workingFolder(folder: string, rootDir: string): Promise<string> {
  try {
    const [top, at] = await Promise.all([realpath(folder), realpath(join(folder, rootDir))]);
    const inside = at === top || !/^\.\.(\/|$)/.test(relative(top, at));
    if (inside && (await lstat(at)).isDirectory()) return at;
  } catch (error) {
    if (!isMissing(error)) throw error;
  }
  throw new KapalError('declaration_invalid', `rootDir ${JSON.stringify(rootDir)} is no folder of the source`, {
    hint: 'Name a folder below the one that is deployed, as in rootDir: apps/web.',
  });
}

/** The text of a file, at most `most` bytes from its start; null where there is no regular file. Never goes through a link. */
async function readHead(path: string, most: number): Promise<string | null> {
  try {
    await using file = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
    if (!(await file.stat()).isFile()) return null;
    const { buffer, bytesRead } = await file.read(Buffer.alloc(most), 0, most, 0);
    return buffer.subarray(0, bytesRead).toString('utf8');
  } catch (error) {
    if (isMissing(error) || errorCode(error) === 'ELOOP') return null;
    throw error;
  }
}

/** The first lines of a file, or null where there is none. */
export function headOf(folder: string, name: string): Promise<string | null> {
  return readHead(join(folder, name), HEAD);
}

/** package.json of a folder, or null without one. Throws KapalError `declaration_invalid` when it is not JSON. */
export async function readManifest(folder: string): Promise<Manifest | null> {
  const text = await readHead(join(folder, 'package.json'), LARGEST);
  if (text === null) return null;
  try {
    return manifestOf(JSON.parse(text.replace(/^\uFEFF/, '')));
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    throw new KapalError('declaration_invalid', `package.json is not valid JSON: ${error.message}`, { cause: error });
  }
}

function manifestOf(value: unknown): Manifest {
  const manifest = recordOf(value);
  const packageManager = manifest['packageManager'];
  const groups = ['dependencies', 'devDependencies', 'optionalDependencies', 'peerDependencies'];
  const scripts = Object.entries(recordOf(manifest['scripts']));
  return {
    scripts: Object.fromEntries(scripts.filter((script): script is [string, string] => typeof script[1] === 'string')),
    hasDependencies: groups.some((group) => Object.keys(recordOf(manifest[group])).length > 0),
    hasWorkspaces: typeof manifest['workspaces'] === 'object' && manifest['workspaces'] !== null,
    packageManager: typeof packageManager === 'string' ? packageManager : null,
    hasBuiltDependencies: Array.isArray(recordOf(manifest['pnpm'])['onlyBuiltDependencies']),
  };
}

function recordOf(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null ? { ...value } : {};
}
