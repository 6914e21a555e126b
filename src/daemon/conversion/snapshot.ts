import { chown, chmod, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import type { DeclarationFiles } from '../../spec/files.ts';

/** What a configuration may be made of. Files of secrets (`.env`) are not among it. */
const readable = /^[^.].*\.(?:js|cjs|mjs|json)$/;
const skipped = new Set(['node_modules', '.git']);
const limits = { files: 3000, bytes: 32 * 1024 * 1024, depth: 8 } as const;

/** A copy of the parts of a folder that a program is allowed to see. No links are in it, so nothing outside of it is within its reach. */
export interface Snapshot extends AsyncDisposable {
  readonly folder: string;
  /** Adds a package of node_modules. False: it is not there. */
  add(name: string): Promise<boolean>;
}

/** `owner`: the numeric user and group that it is for; `null` for whoever runs this. */
export async function takeSnapshot(files: DeclarationFiles, owner: number | null): Promise<Snapshot> {
  const folder = await mkdtemp(join(tmpdir(), 'kapal-import-'));
  const copy = new Copy({ files, folder, owner });
  const end = async (): Promise<void> => rm(folder, { recursive: true, force: true });
  try {
    await copy.copyBelow('.', 0);
    if (owner !== null) await chown(folder, owner, owner);
    await chmod(folder, 0o700);
  } catch (error) {
    await end();
    throw error;
  }
  return {
    folder,
    add: async (name) => {
      const before = copy.count;
      await copy.copyBelow(`node_modules/${name}`, 0);
      return copy.count > before;
    },
    [Symbol.asyncDispose]: end,
  };
}

class Copy {
  readonly #files: DeclarationFiles;
  readonly #folder: string;
  readonly #owner: number | null;
  readonly #made = new Set<string>();
  #bytes = 0;
  count = 0;

  constructor(from: { files: DeclarationFiles; folder: string; owner: number | null }) {
    this.#files = from.files;
    this.#folder = from.folder;
    this.#owner = from.owner;
  }

  /** Files before folders: what lies on top is what a configuration is made of, should the limits be reached. */
  async copyBelow(path: string, depth: number): Promise<void> {
    const below = this.#files
      .list(path)
      .filter((name) => !skipped.has(name))
      .map((name) => ({ name, at: path === '.' ? name : `${path}/${name}` }));
    const others: string[] = [];
    for (const { name, at } of below) {
      if (this.#full) return;
      const text = readable.test(name) ? this.#files.read(at) : null;
      if (text === null) others.push(at);
      else await this.#write(at, text);
    }
    if (depth < limits.depth) for (const at of others) await this.copyBelow(at, depth + 1);
  }

  get #full(): boolean {
    return this.count >= limits.files || this.#bytes >= limits.bytes;
  }

  async #write(path: string, text: string): Promise<void> {
    const to = join(this.#folder, path);
    await this.#make(dirname(to));
    await writeFile(to, text, { mode: 0o600 });
    await this.#give(to);
    this.count += 1;
    this.#bytes += text.length;
  }

  /** Each folder by itself: whatever the umask is, the owner of the copy may enter it. */
  async #make(folder: string): Promise<void> {
    if (folder === this.#folder || this.#made.has(folder)) return;
    await this.#make(dirname(folder));
    await mkdir(folder, { mode: 0o700 });
    await this.#give(folder);
    this.#made.add(folder);
  }

  async #give(path: string): Promise<void> {
    if (this.#owner !== null) await chown(path, this.#owner, this.#owner);
  }
}
