import { chmod, chown, readdir, realpath, rm, stat } from 'node:fs/promises';
import { dirname, join, relative } from 'node:path';
import { errorCode, isMissing, makeFolder } from '../lib/files.ts';
import { syncTree } from '../lib/tree/sync.ts';
import { KapalError } from '../model/errors.ts';

/** The folders that builds yield: `FOLDER/PROJECT/ENVIRONMENT/SERVICE/ARTIFACT`. Names are ours or checked, so paths stay inside. */
export class Artifacts {
  readonly #root: string;
  readonly #edgeGroup: number | null;

  /** `root` is absolute; other users may pass it, what they may read is decided per artifact. `edgeGroup` is the gid of the edge, where it has a user of its own. */
  constructor(root: string, edgeGroup: number | null = null) {
    this.#root = root;
    this.#edgeGroup = edgeGroup;
  }

  folder(service: string, artifact: string): string {
    return join(this.#root, service, artifact);
  }

  async protect(path: string, readers: 'service' | 'edge'): Promise<void> {
    const own = this.#own(path);
    const toGroup = readers === 'edge' && this.#edgeGroup !== null;
    if (toGroup) await chown(own, -1, this.#edgeGroup);
    await chmod(own, 0o750);
  }

  async sync(path: string): Promise<void> {
    await syncTree(this.#own(path));
  }

  /** Removes the folder, and what a daemon that died while it filled it has left beside (`Sources.copyTo`). */
  async remove(path: string): Promise<void> {
    for (const each of [path, `${path}.part`])
      await rm(this.#own(each), { recursive: true, force: true, maxRetries: 3 });
    await makeFolder(dirname(path));
  }

  /** Whether a path of an artifact is a folder, and lies in the artifact when links are resolved. */
  async hasFolder(artifact: string, path: string): Promise<boolean> {
    try {
      const [root, real] = await Promise.all([realpath(this.#own(artifact)), realpath(join(artifact, path))]);
      return (real === root || real.startsWith(`${root}/`)) && (await stat(real)).isDirectory();
    } catch (error) {
      if (isMissing(error) || errorCode(error) === 'ELOOP') return false;
      throw error;
    }
  }

  async list(service: string): Promise<readonly string[]> {
    try {
      return (await readdir(join(this.#root, service))).map((name) => join(this.#root, service, name));
    } catch (error) {
      if (isMissing(error)) return [];
      throw error;
    }
  }

  async forget(service: string): Promise<void> {
    await rm(this.#own(join(this.#root, service)), { recursive: true, force: true, maxRetries: 3 });
  }

  /** What is deleted or opened to others lies below the root, at least three folders deep. */
  #own(path: string): string {
    const inside = relative(this.#root, path);
    if (inside.startsWith('..') || inside.split('/').length < 3)
      throw new KapalError('internal', `${path} is not an artifact's folder`);
    return path;
  }
}
