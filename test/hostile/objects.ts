import { execFileSync } from 'node:child_process';

/** An entry of a tree: a file, a link or a submodule by its text (of a submodule: its commit), or a tree by what is in it. */
export type Entry = readonly [mode: string, name: string | Uint8Array, content: string | Uint8Array | readonly Entry[]];

const WHO = 'M <m@example.com> 1700000000 +0000';

/** Writes git's objects past all checks of git's own commands. `folder`: a repository, or what lies in one. */
export class Objects {
  readonly #folder: string;

  constructor(folder: string) {
    this.#folder = folder;
  }

  git(args: readonly string[], input: string | Uint8Array = ''): string {
    const env = {
      PATH: process.env['PATH'],
      HOME: '/nonexistent',
      GIT_CONFIG_NOSYSTEM: '1',
      GIT_CONFIG_GLOBAL: '/dev/null',
    };
    const limits = { maxBuffer: 256 * 1024 * 1024 };
    return execFileSync('git', [...args], {
      cwd: this.#folder,
      env,
      input,
      encoding: 'utf8',
      stdio: 'pipe',
      ...limits,
    }).trim();
  }

  blob(content: string | Uint8Array): string {
    return this.git(['hash-object', '-w', '--stdin'], content);
  }

  tree(entries: readonly Entry[]): string {
    const records = entries.map(([mode, name, content]) => {
      const oid = Array.isArray(content)
        ? this.tree(content as readonly Entry[])
        : mode === '160000' || mode === '40000'
          ? String(content)
          : this.blob(content as string | Uint8Array);
      return Buffer.concat([Buffer.from(`${mode} `), Buffer.from(name), Buffer.from([0]), Buffer.from(oid, 'hex')]);
    });
    return this.git(['hash-object', '-t', 'tree', '-w', '--stdin', '--literally'], Buffer.concat(records));
  }

  /** A commit of these entries, or of a tree that is there. */
  commit(of: readonly Entry[] | string, message = '\u001b[31mred'): string {
    const tree = typeof of === 'string' ? of : this.tree(of);
    return this.git(
      ['hash-object', '-t', 'commit', '-w', '--stdin'],
      `tree ${tree}\nauthor ${WHO}\ncommitter ${WHO}\n\n${message}\n`,
    );
  }

  /** Trees of trees: 10 names at each of these levels, all of the same tree; the last is of `leaf`. */
  bomb(levels: number, leaf: readonly Entry[]): string {
    let tree = this.tree(leaf);
    for (let level = 0; level < levels; level += 1)
      tree = this.tree(Array.from({ length: 10 }, (_, at): Entry => ['40000', `d${at}`, tree]));
    return tree;
  }

  /** A file below so many folders. */
  deep(levels: number): string {
    let tree = this.tree([['100644', 'x', 'x']]);
    for (let level = 0; level < levels; level += 1) tree = this.tree([['40000', 'd', tree]]);
    return tree;
  }
}
