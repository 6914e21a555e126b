import { randomBytes } from 'node:crypto';
import { renameSync } from 'node:fs';
import { lstat, readdir, readlink, rm, utimes } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { crashpoint } from '../../lib/crashpoint.ts';
import { isMissing } from '../../lib/files.ts';
import type { BroughtTool } from '../../model/garbage.ts';
import type { ToolStore } from '../port.ts';
import { entriesInUse } from './tool-users.ts';

/** Who brings tools says so before it looks whether they are there. */
export interface ToolMarks {
  /** From now on the tool of this name stays; resolves when that outlives the daemon, where the tool is there. */
  mark(name: string): Promise<void>;
}

const nodeName = /^node-\d+\.\d+\.\d+$/;
const managerName = /^(?:pnpm|yarn)-\d+\.\d+\.\d+[0-9A-Za-z.+-]*$/;
const choiceName = /^(?:pnpm|yarn)-default$/;
/** Names of `atomically`, of what a Node is unpacked in, of a link that was to take another's place, and of what is being removed. */
const restName =
  /^(?:.*\.[0-9a-f]{12}\.part|node\.\d+\.\d+\.part|(?:pnpm|yarn)-default\.[0-9a-f]{12}|.*\.[0-9a-f]{12}\.gone)$/;

/** The folder of tools as what is collected from; entries of other names are not touched. */
export class HostTools implements ToolStore, ToolMarks {
  readonly #folder: string;
  readonly #own: string;
  /** By name: how often it was asked for. */
  readonly #asked = new Map<string, number>();

  /** `own`: the version of Node that all services have. */
  constructor(folder: string, own: string) {
    this.#folder = folder;
    this.#own = `node-${own}`;
  }

  async mark(name: string): Promise<void> {
    this.#asked.set(name, (this.#asked.get(name) ?? 0) + 1);
    const now = new Date();
    await utimes(join(this.#folder, name), now, now).catch(ignoreMissing);
  }

  async list(): Promise<readonly BroughtTool[]> {
    const names = await readdir(this.#folder).catch(ignoreMissing);
    const chosen = new Set(
      await Promise.all((names ?? []).filter((name) => choiceName.test(name)).map((name) => this.#choice(name))),
    );
    const running = entriesInUse(this.#folder);
    const found = await Promise.all(
      (names ?? []).map(async (name) => {
        const kind = kindOf(name);
        const asked = this.#asked.get(name) ?? 0;
        const seen = kind === null ? null : await lstat(join(this.#folder, name)).catch(ignoreMissing);
        if (kind === null || seen === null || seen === undefined) return [];
        const kept =
          name === this.#own
            ? 'all services have it'
            : chosen.has(name)
              ? 'it is what a start command finds that asks for no version'
              : running.has(name)
                ? 'something that runs may call it'
                : null;
        return [{ path: join(this.#folder, name), kind, usedAt: seen.mtimeMs, kept, asked }];
      }),
    );
    return found.flat();
  }

  async remove({ path, asked }: BroughtTool): Promise<boolean> {
    const name = basename(path);
    const gone = restName.test(name) ? path : join(this.#folder, `${name}.${randomBytes(6).toString('hex')}.gone`);
    // From this look to the other name nothing waits: who asks for it later finds none, and brings another.
    if ((this.#asked.get(name) ?? 0) !== asked) return false;
    if (gone !== path && !tryRename(path, gone)) return false;
    crashpoint('gc.tool.renamed');
    await rm(gone, { recursive: true, force: true });
    crashpoint('gc.tool.removed');
    return true;
  }

  async #choice(name: string): Promise<string | null> {
    return (await readlink(join(this.#folder, name)).catch(ignoreMissing)) ?? null;
  }
}

function kindOf(name: string): BroughtTool['kind'] | null {
  if (nodeName.test(name)) return 'node';
  if (restName.test(name)) return 'rest';
  return managerName.test(name) && !choiceName.test(name) ? 'manager' : null;
}

function tryRename(from: string, to: string): boolean {
  try {
    renameSync(from, to);
    return true;
  } catch (error) {
    if (isMissing(error)) return false;
    throw error;
  }
}

function ignoreMissing(error: unknown): undefined {
  if (!isMissing(error)) throw error;
}
