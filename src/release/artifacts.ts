import { chmod, readdir, rm } from 'node:fs/promises';
import { dirname, join, relative } from 'node:path';
import { isMissing, makeFolder } from '../lib/files.ts';
import { KapalError } from '../model/errors.ts';

/** The folders that builds yield: `FOLDER/PROJECT/ENVIRONMENT/SERVICE/ARTIFACT`. Names are ours or checked, so paths stay inside. */
export class Artifacts {
  readonly #root: string;

  /** `root` is absolute; other users may pass it, what they may read is decided per artifact. */
  constructor(root: string) {
    this.#root = root;
  }

  folder(service: string, artifact: string): string {
    return join(this.#root, service, artifact);
  }

  async protect(path: string, readers: 'service' | 'everyone'): Promise<void> {
    await chmod(this.#own(path), readers === 'everyone' ? 0o755 : 0o750);
  }

  async remove(path: string): Promise<void> {
    await rm(this.#own(path), { recursive: true, force: true, maxRetries: 3 });
    await makeFolder(dirname(path));
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
