import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { openStore } from '../../src/state/open.ts';
import type { Store } from '../../src/state/store.ts';
import { operation, release, service, shop, task } from '../unit/state/sample.ts';

/** A folder of the test's own, in memory where there is such a place: thousands of files are opened in it. */
export class Folder implements Disposable {
  readonly path = mkdtempSync(join(existsSync('/dev/shm') ? '/dev/shm' : tmpdir(), 'kapal-storage-'));
  [Symbol.dispose](): void {
    rmSync(this.path, { recursive: true, force: true });
  }
}

/** What a machine could have had on its disk when the power went. */
export interface Image {
  /** The main file, as the last finished checkpoint left it. */
  readonly main: Buffer;
  readonly log: Buffer;
  /** For each transaction that was acknowledged, and the state before all of them: bytes of the log that it needs, and the digest of the whole content. */
  readonly commits: readonly { readonly end: number; readonly content: string }[];
  /** Where each frame of the log ends. */
  readonly frames: readonly number[];
  /** The main file after every page of the log was carried over. */
  readonly checkpointed: Buffer;
}

/**
 * Writes a record through the store, a transaction over many tables at a time, and notes what is acknowledged when. `wrapped`: the log was carried over and
 * begun anew before, so that it ends in frames of its former life.
 */
export function recordImage(folder: string, { transactions = 40, wrapped = false } = {}): Image {
  const path = join(folder, 'history.db');
  const store = openStore(path);
  store.services.insert(service());
  if (wrapped) {
    for (let n = 1_000; n < 1_080; n += 1) write(store, n);
    // SQLite begins the log anew with the first transaction after this.
    const beside = new DatabaseSync(path);
    beside.exec('PRAGMA wal_checkpoint(FULL)');
    beside.close();
    write(store, 999);
  }
  const main = copy(path);
  const commits = [{ end: commitEnds(copy(`${path}-wal`)).at(-1) ?? 0, content: contentOf(path) }];
  for (let n = 1; n <= transactions; n += 1) {
    write(store, n);
    commits.push({ end: commitEnds(copy(`${path}-wal`)).at(-1) ?? 0, content: contentOf(path) });
  }
  const log = copy(`${path}-wal`);
  store.close();
  return { main, log, commits, frames: frameEnds(log), checkpointed: copy(path) };
}

/** One transaction as the daemon makes them: several aggregates, rows of very different sizes. */
function write(store: Store, n: number): void {
  store.transaction(() => {
    store.facts.set('n', String(n));
    store.releases.insert(release({ number: n, cause: 'x'.repeat((n * 977) % 6_000) }));
    store.operations.insert(operation({ id: `o${n}` }), [task({ operation: `o${n}` })]);
    store.variables.set({ owner: shop, key: `K${n % 7}`, sealed: `v${n}`.repeat(n % 40), source: 'set' });
    store.events.append({ time: n, kind: 'k', service: shop, project: 'shop', message: 'y'.repeat((n * 131) % 900) });
    if (n % 5 === 0) store.operations.finish(`o${n}`, n, null);
  });
}

/** Digest of every row of every table, by a connection of its own. Throws where the file is not sound. */
export function contentOf(path: string): string {
  using database = new DatabaseSync(path, { timeout: 5_000 });
  const verdict = database.prepare('PRAGMA integrity_check').get()?.['integrity_check'];
  if (verdict !== 'ok') throw new Error(`integrity_check of ${path}: ${String(verdict)}`);
  if (database.prepare('PRAGMA foreign_key_check').get() !== undefined) throw new Error('a foreign key leads nowhere');
  const hash = createHash('sha256').update(String(database.prepare('PRAGMA user_version').get()?.['user_version']));
  for (const { name } of database.prepare("SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY name").all()) {
    hash.update(`\n${String(name)}`);
    for (const row of database.prepare(`SELECT * FROM "${String(name)}" ORDER BY 1, 2`).iterate())
      hash.update(JSON.stringify(row));
  }
  return hash.digest('hex');
}

/** By a process of its own: closing a file here would drop the locks of this process's connections (fcntl(2)). */
function copy(path: string): Buffer {
  const { stdout, status } = spawnSync('cat', [path], { maxBuffer: 1 << 28 });
  if (status !== 0) throw new Error(`${path} could not be read`);
  return stdout;
}

const logHeader = 32;
const frameHeader = 24;

/** Ends of the frames of the log's present life, https://www.sqlite.org/fileformat2.html#walformat. */
function frameEnds(log: Buffer): number[] {
  return [...framesOf(log)].map(({ end }) => end);
}

function commitEnds(log: Buffer): number[] {
  return [...framesOf(log)].filter(({ commits }) => commits).map(({ end }) => end);
}

function* framesOf(log: Buffer): Generator<{ readonly end: number; readonly commits: boolean }> {
  if (log.length < logHeader) return;
  const size = frameHeader + log.readUInt32BE(8);
  const salt = log.subarray(16, 24);
  for (let at = logHeader; at + size <= log.length; at += size) {
    if (!log.subarray(at + 8, at + 16).equals(salt)) return;
    yield { end: at + size, commits: log.readUInt32BE(at + 4) !== 0 };
  }
}

/** Of the log. */
export function pageSizeOf({ log }: Image): number {
  return log.readUInt32BE(8);
}
