import { createHash, hash } from 'node:crypto';
import { constants } from 'node:fs';
import { type FileHandle, mkdir, open, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { linksOf, pathFault, resolve, type TreeLimits } from './paths.ts';
import { type FileEntry, type LinkEntry, sortEntries, type TreeEntry } from './tree.ts';
import { shown, TreeError } from './tree-error.ts';

/** Small files that are being written at a time: the four threads of libuv's pool and a queue for them. */
const PARALLEL = 16;
/** `O_NOFOLLOW | O_EXCL`: what is there, link or not, is never written through. */
const FRESH = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW;

interface NewFile {
  readonly path: string;
  readonly executable: boolean;
}

/**
 * Writes a tree from entries that nobody has checked (a tar stream, a git object) into a folder of its own, which must be empty and
 * reachable by nobody else. Paths, links, duplicates and sizes are refused with TreeError before anything is written for them. Links are made
 * last, so no write can go through one. Modes are 0644 and 0755 whatever the umask.
 */
export class TreeWriter {
  readonly #root: string;
  readonly #limits: TreeLimits;
  readonly #kinds = new Map<string, 'folder' | 'leaf'>();
  readonly #files: FileEntry[] = [];
  readonly #links: LinkEntry[] = [];
  readonly #writing = new Set<Promise<void>>();
  #bytes = 0;
  #failure: { readonly error: unknown } | null = null;

  constructor(folder: string, limits: TreeLimits) {
    this.#root = folder;
    this.#limits = limits;
  }

  /** A file whose content is at hand. May resolve before it is written; a failure then comes from a later call. */
  async file(at: NewFile, content: Uint8Array): Promise<void> {
    await this.#claim(at.path, content.length);
    while (this.#writing.size >= PARALLEL) await Promise.race(this.#writing);
    this.#rethrow();
    const sha256 = hash('sha256', content, 'hex');
    this.#files.push({ path: at.path, mode: modeOf(at), size: content.length, sha256 });
    const writing = this.#create(at, (file) => file.writeFile(content))
      .catch((error: unknown) => void (this.#failure ??= { error }))
      .finally(() => this.#writing.delete(writing));
    this.#writing.add(writing);
  }

  /** A file that comes in pieces, of a size told before. */
  async stream(at: NewFile & { readonly size: number }, content: AsyncIterable<Uint8Array>): Promise<void> {
    await this.#claim(at.path, at.size);
    const hashing = createHash('sha256');
    let size = 0;
    await this.#create(at, async (file) => {
      for await (const piece of content) {
        size += piece.length;
        if (size > at.size) break;
        hashing.update(piece);
        await file.writeFile(piece);
      }
    });
    if (size !== at.size)
      throw new TreeError('refused', `The file ${shown(at.path)} is not of the size it was said to be`);
    this.#files.push({ path: at.path, mode: modeOf(at), size, sha256: hashing.digest('hex') });
  }

  /** A symbolic link; where it leads is checked by `finish`, when all links are known. */
  async link(path: string, target: string): Promise<void> {
    await this.#claim(path, 0);
    if (target === '' || target.includes('\0') || !target.isWellFormed() || Buffer.byteLength(target) > 4_000) {
      throw new TreeError('refused', `The link ${shown(path)} has a target that is no path`);
    }
    this.#links.push({ path, mode: 'link', target });
  }

  /** Waits for all files, makes the links, and answers the sorted tree. */
  async finish(): Promise<readonly TreeEntry[]> {
    await this.settle();
    this.#rethrow();
    this.#checkLinks();
    for (const link of this.#links) await symlink(link.target, join(this.#root, link.path));
    return sortEntries([...this.#files, ...this.#links]);
  }

  /** Resolves when nothing is being written any more, so that the folder can be removed. Never throws. */
  async settle(): Promise<void> {
    await Promise.all(this.#writing);
  }

  async #claim(path: string, size: number): Promise<void> {
    const fault = pathFault(path, this.#limits.depth);
    if (fault !== null) throw new TreeError('refused', `The path ${shown(path)} is refused: ${fault}`);
    const count = this.#kinds.size;
    if (count >= this.#limits.files) throw tooLarge(`more than ${this.#limits.files} files and folders`);
    this.#bytes += size;
    if (this.#bytes > this.#limits.bytes) throw tooLarge(`more than ${this.#limits.bytes} bytes`);
    await this.#makeParents(path);
    if (this.#kinds.has(path)) throw new TreeError('refused', `The path ${shown(path)} comes twice`);
    this.#kinds.set(path, 'leaf');
  }

  async #makeParents(path: string): Promise<void> {
    for (let end = path.indexOf('/'); end !== -1; end = path.indexOf('/', end + 1)) {
      const folder = path.slice(0, end);
      const kind = this.#kinds.get(folder);
      if (kind === 'folder') continue;
      if (kind === 'leaf')
        throw new TreeError('refused', `The path ${shown(path)} lies under something that is no folder`);
      this.#kinds.set(folder, 'folder');
      await mkdir(join(this.#root, folder), { mode: 0o755 });
      // mkdir(2) takes the umask off the mode.
      await chmodFolder(join(this.#root, folder));
    }
  }

  async #create(at: NewFile, fill: (file: FileHandle) => Promise<void>): Promise<void> {
    const file = await open(join(this.#root, at.path), FRESH, 0o600);
    try {
      await fill(file);
      await file.chmod(at.executable ? 0o755 : 0o644);
    } finally {
      await file.close();
    }
  }

  #checkLinks(): void {
    const links = linksOf(this.#links);
    for (const { path, target } of this.#links) {
      const end = resolve(links, path);
      if ('fault' in end && end.fault === 'outside') {
        throw new TreeError('refused', `The link ${shown(path)} leads outside the source, to ${shown(target)}`, {
          hint: 'Make it a relative link to something inside, or remove it.',
        });
      }
    }
  }

  #rethrow(): void {
    if (this.#failure !== null) throw this.#failure.error;
  }
}

function modeOf(file: NewFile): FileEntry['mode'] {
  return file.executable ? 'executable' : 'file';
}

function tooLarge(what: string): TreeError {
  return new TreeError('too-large', `The source holds ${what}`, {
    hint: 'Keep what is built or downloaded out of it, with .gitignore.',
  });
}

async function chmodFolder(path: string): Promise<void> {
  const folder = await open(path, constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW);
  try {
    await folder.chmod(0o755);
  } finally {
    await folder.close();
  }
}
