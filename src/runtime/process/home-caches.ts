import { randomBytes } from 'node:crypto';
import { lstat, readdir } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { crashpoint } from '../../lib/crashpoint.ts';
import { exec, plainEnvironment } from '../../lib/exec.ts';
import { errorCode, isMissing } from '../../lib/files.ts';
import { buildCaches } from '../../model/build-recipe.ts';
import type { CacheFolder } from '../../model/garbage.ts';
import { KapalError } from '../../model/errors.ts';
import { type ServiceId, serviceId } from '../../model/service.ts';
import type { HomeCaches } from '../port.ts';
import { Homes } from './homes.ts';

/** What a name gets while it is being removed. */
const goneName = /\.[0-9a-f]{12}\.gone$/;
/** Milliseconds for one removal: a cache may have a million files. */
const patience = 10 * 60_000;

type Found = Omit<CacheFolder, 'bytes'>;

/** Caches in `HOMES/project/environment/service/.cache`, all of which belongs to the service's user. */
export class ProcessHomeCaches implements HomeCaches {
  readonly #root: string;
  readonly #homes: Homes;

  constructor(homes: string) {
    this.#root = homes;
    this.#homes = new Homes(homes);
  }

  async services(): Promise<readonly ServiceId[]> {
    const found: ServiceId[] = [];
    // Homes of our own, the edge's, are no service's.
    for (const project of (await namesIn(this.#root)).filter((name) => !name.startsWith('@')))
      for (const environment of await namesIn(join(this.#root, project)))
        for (const service of await namesIn(join(this.#root, project, environment)))
          found.push(serviceId({ project, environment, service }));
    return found;
  }

  async folders(service: ServiceId): Promise<readonly Found[]> {
    const cache = join(this.#homes.pathOf(service), '.cache');
    if (!(await isFolder(cache))) return [];
    const found: Found[] = [];
    for (const name of await namesIn(cache)) {
      const path = join(cache, name);
      const isOurs = buildCaches.some((one) => name === one || (name.startsWith(`${one}.`) && goneName.test(name)));
      if (!isOurs || !(await isFolder(path)) || (await isReadAtRunTime(name, path))) continue;
      found.push({ path, kind: goneName.test(name) ? 'rest' : 'cache' });
    }
    return found;
  }

  async remove(service: ServiceId, { path, kind }: Found): Promise<void> {
    if (!(await this.folders(service)).some((folder) => folder.path === path && folder.kind === kind)) return;
    const { uid, gid } = await lstat(this.#homes.pathOf(service));
    const run = (program: string, args: readonly string[]) => asOwner({ uid, gid }, program, args);
    const gone =
      kind === 'rest' ? path : join(dirname(path), `${basename(path)}.${randomBytes(6).toString('hex')}.gone`);
    if (gone !== path) await run('mv', ['-T', '--', path, gone]);
    crashpoint('gc.cache.renamed');
    // Go's are read-only.
    await run('chmod', ['-R', 'u+rwX', '--', gone]);
    await run('rm', ['-rf', '--', gone]);
    crashpoint('gc.cache.removed');
  }
}

/** As the user whose folders they are, so that no link in them leads to anything that is not that user's. */
async function asOwner(
  { uid, gid }: { readonly uid: number; readonly gid: number },
  program: string,
  args: readonly string[],
): Promise<void> {
  const identity = ['--reuid', String(uid), '--regid', String(gid), '--clear-groups', '--no-new-privs', '--'];
  const options = { cwd: '/', env: plainEnvironment(), timeout: patience };
  const result =
    uid === process.getuid?.()
      ? await exec(program, args, options)
      : await exec('setpriv', [...identity, program, ...args], options);
  if (!result.ok)
    throw new KapalError(
      'runtime_failed',
      `${args.at(-1) ?? ''} could not be removed: ${result.stderr.trim().slice(0, 300)}`,
    );
}

/** pnpm with a virtual store for all projects (`enableGlobalVirtualStore`): releases have links into it. */
async function isReadAtRunTime(name: string, path: string): Promise<boolean> {
  if (!name.startsWith('pnpm')) return false;
  const versions = await namesIn(path);
  return (await Promise.all(versions.map((version) => isFolder(join(path, version, 'links'))))).includes(true);
}

async function namesIn(folder: string): Promise<readonly string[]> {
  return readdir(folder).catch((error: unknown) => {
    if (isMissing(error) || errorCode(error) === 'ENOTDIR') return [];
    throw error;
  });
}

async function isFolder(path: string): Promise<boolean> {
  return lstat(path).then(
    (found) => found.isDirectory(),
    (error: unknown) => {
      if (isMissing(error) || errorCode(error) === 'ENOTDIR') return false;
      throw error;
    },
  );
}
