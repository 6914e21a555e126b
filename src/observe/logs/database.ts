import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { KapalError } from '../../model/errors.ts';
import { type Position, positions } from './lines.ts';
import type { OwnLine } from './messages.ts';

const schemaVersion = 2;

/** What a line costs besides its text: row, index entry and their share of the pages, rounded up. */
export const lineOverhead = 64;

/** Trimming goes a little below the quota, so that it does not run for every line. */
const trimTo = 0.95;
const trimBatch = 4000;

/** Bytes that stay however full the disk is: the newest lines say why. */
const keptAlways = 2 << 20;

/** Free pages (of 4 KiB) that are kept for reuse; only more is given back to the file system. */
const sparePages = 2048;
const vacuumPages = 512;

/** How long the offset of a file is remembered after it was detached: its run may be attached again by a daemon that died in between. */
const closedFilesKept = 7 * 24 * 3_600_000;

export interface FileProgress {
  readonly offset: number;
  readonly position: Position;
  /** Bytes that were lost since the run began; they count in `offset`. */
  readonly dropped: number;
}

/** The file of the logs: lines, and how far each source was read. `synchronous=NORMAL`: a power cut may take the last moments, never the soundness. */
export class LogDatabase {
  readonly connection: DatabaseSync;
  readonly #quota: number;
  readonly #sql: ReturnType<typeof statements>;
  readonly #overfull = new Set<number>();
  #next: number;

  /** Makes the file where it is missing. Throws what SQLite throws, and KapalError `state_newer`. */
  constructor(path: string, quotaBytes: number) {
    this.connection = connect(path);
    this.#quota = quotaBytes;
    this.#sql = statements(this.connection);
    this.#next = this.#storedNext();
    for (const row of this.#sql.overfull.all({ quota: quotaBytes })) this.#overfull.add(Number(row['id']));
  }

  transaction<T>(work: () => T): T {
    this.connection.exec('BEGIN IMMEDIATE');
    try {
      const result = work();
      this.#sql.saveNext.run({ next: this.#next });
      this.connection.exec('COMMIT');
      return result;
    } catch (error) {
      if (this.connection.isTransaction) this.connection.exec('ROLLBACK');
      this.#next = this.#storedNext();
      throw error;
    }
  }

  /** Only inside `transaction`. */
  append(origin: Omit<OwnLine, 'text'>, lines: readonly string[], time: number): void {
    if (lines.length === 0) return;
    const first = this.#next;
    const size = lines.reduce((sum, text) => sum + Buffer.byteLength(text) + lineOverhead, 0);
    const service = this.#growService(origin.service, size);
    const { kind, run, instance, release } = origin;
    const row = this.#sql.noteOrigin.get({
      service,
      kind,
      run,
      instance,
      release,
      first,
      last: first + lines.length - 1,
    });
    const id = Number(row?.['id']);
    for (const text of lines) this.#sql.insert.run(this.#next++, time, service, id, text);
  }

  progress(run: string): FileProgress | null {
    const row = this.#sql.file.get({ run });
    if (row === undefined) return null;
    const position = positions.find((one) => one === row['position']) ?? 'start';
    return { offset: Number(row['offset']), position, dropped: Number(row['dropped']) };
  }

  saveProgress(run: string, { offset, position, dropped }: FileProgress): void {
    this.#sql.saveFile.run({ run, offset, position, dropped });
  }

  closeFile(run: string, now: number): void {
    this.transaction(() => {
      this.#sql.closeFile.run({ run, now });
      this.#sql.dropFiles.run({ before: now - closedFilesKept });
    });
  }

  /** Deletes some of the oldest lines of services over their quota; whether there is more to delete. */
  trim(): boolean {
    for (const service of this.#overfull) this.transaction(() => this.#trimService(service));
    return this.#overfull.size > 0;
  }

  /** Deletes some lines of a service up to a sequence number; whether there are more. Its last batch removes the service. */
  forgetSome(name: string, upTo: number): boolean {
    const service = this.serviceNumber(name);
    if (service === null) return false;
    return this.transaction(() => {
      const oldest = this.#sql.oldest
        .all({ service, limit: trimBatch })
        .filter((row) => Number(row['sequence']) <= upTo);
      this.#deleteUpTo(service, oldest);
      if (oldest.length === trimBatch) return true;
      this.#sql.dropService.run({ service });
      return false;
    });
  }

  /** Deletes some of the oldest lines, whosever they are; answers how many, and their bytes. None where only `keptAlways` are left. */
  trimOldest(): { readonly lines: number; readonly bytes: number } {
    const doomed = this.#sql.oldestOfAll.all({ limit: trimBatch });
    const total = Number(this.#sql.totalBytes.get()?.['bytes'] ?? 0);
    const bytes = doomed.reduce((sum, row) => sum + Number(row['size']), 0);
    if (doomed.length === 0 || total - bytes < keptAlways) return { lines: 0, bytes: 0 };
    this.transaction(() => {
      for (const [service, rows] of Map.groupBy(doomed, (row) => Number(row['service'])))
        this.#deleteUpTo(service, rows);
    });
    return { lines: doomed.length, bytes };
  }

  /** Gives every unused page back to the file system. */
  shrinkWhole(): void {
    this.connection.exec('PRAGMA incremental_vacuum');
    this.connection.exec('PRAGMA wal_checkpoint(TRUNCATE)');
  }

  serviceNumber(name: string): number | null {
    const row = this.#sql.service.get({ name });
    return row === undefined ? null : Number(row['id']);
  }

  /** The newest sequence number that was given. */
  newest(): number {
    return this.#next - 1;
  }

  /** Gives some unused pages back to the file system; whether there are more. For idle moments. */
  shrink(): boolean {
    const spare = Number(this.#sql.freePages.get()?.['freelist_count']);
    if (spare <= sparePages) return false;
    this.connection.exec(`PRAGMA incremental_vacuum(${vacuumPages})`);
    if (spare - vacuumPages > sparePages) return true;
    // The file itself shrinks when the write-ahead log is carried over.
    this.connection.exec('PRAGMA wal_checkpoint(TRUNCATE)');
    return false;
  }

  close(): void {
    this.connection.close();
  }

  #growService(name: string, size: number): number {
    const row = this.#sql.growService.get({ name, size });
    const id = Number(row?.['id']);
    if (Number(row?.['bytes']) > this.#quota) this.#overfull.add(id);
    return id;
  }

  #trimService(service: number): void {
    const target = Math.floor(this.#quota * trimTo);
    let excess = Number(this.#sql.bytes.get({ service })?.['bytes'] ?? 0) - target;
    const doomed = this.#sql.oldest.all({ service, limit: trimBatch }).filter((row) => {
      const doom = excess > 0;
      excess -= Number(row['size']);
      return doom;
    });
    const left = this.#deleteUpTo(service, doomed);
    if (left <= target || doomed.length === 0) this.#overfull.delete(service);
  }

  /** The bytes that the service has left. */
  #deleteUpTo(service: number, oldest: readonly Record<string, unknown>[]): number {
    const last = Number(oldest.at(-1)?.['sequence'] ?? 0);
    const freed = oldest.reduce((sum, row) => sum + Number(row['size']), 0);
    this.#sql.deleteLines.run({ service, last });
    this.#sql.deleteOrigins.run({ service, last });
    return Number(this.#sql.growServiceBy.get({ service, size: -freed })?.['bytes'] ?? 0);
  }

  #storedNext(): number {
    return Number(this.#sql.next.get()?.['next']);
  }
}

function statements(connection: DatabaseSync) {
  const size = `octet_length(text) + ${lineOverhead}`;
  return {
    next: connection.prepare('SELECT next FROM cursor'),
    saveNext: connection.prepare('UPDATE cursor SET next = $next'),
    service: connection.prepare('SELECT id FROM services WHERE name = $name'),
    bytes: connection.prepare('SELECT bytes FROM services WHERE id = $service'),
    overfull: connection.prepare('SELECT id FROM services WHERE bytes > $quota'),
    growService: connection.prepare(`
      INSERT INTO services (name, bytes) VALUES ($name, $size)
      ON CONFLICT (name) DO UPDATE SET bytes = bytes + excluded.bytes RETURNING id, bytes`),
    growServiceBy: connection.prepare('UPDATE services SET bytes = bytes + $size WHERE id = $service RETURNING bytes'),
    dropService: connection.prepare(
      'DELETE FROM services WHERE id = $service AND NOT EXISTS (SELECT 1 FROM lines WHERE service = $service)',
    ),
    noteOrigin: connection.prepare(`
      INSERT INTO origins (service, kind, run, instance, release, first, last)
      VALUES ($service, $kind, $run, $instance, $release, $first, $last)
      ON CONFLICT (service, run, kind, ifnull(instance, ''), ifnull(release, -1)) DO UPDATE SET last = excluded.last RETURNING id`),
    deleteOrigins: connection.prepare('DELETE FROM origins WHERE service = $service AND last <= $last'),
    insert: connection.prepare('INSERT INTO lines (sequence, time, service, origin, text) VALUES (?, ?, ?, ?, ?)'),
    oldest: connection.prepare(
      `SELECT sequence, ${size} AS size FROM lines WHERE service = $service ORDER BY sequence LIMIT $limit`,
    ),
    oldestOfAll: connection.prepare(
      `SELECT sequence, service, ${size} AS size FROM lines ORDER BY sequence LIMIT $limit`,
    ),
    totalBytes: connection.prepare('SELECT sum(bytes) AS bytes FROM services'),
    deleteLines: connection.prepare('DELETE FROM lines WHERE service = $service AND sequence <= $last'),
    file: connection.prepare('SELECT offset, position, dropped FROM files WHERE run = $run'),
    saveFile: connection.prepare(`
      INSERT INTO files (run, offset, position, dropped) VALUES ($run, $offset, $position, $dropped)
      ON CONFLICT (run) DO UPDATE SET offset = excluded.offset, position = excluded.position, dropped = excluded.dropped, closed_at = NULL`),
    closeFile: connection.prepare('UPDATE files SET closed_at = $now WHERE run = $run'),
    dropFiles: connection.prepare('DELETE FROM files WHERE closed_at < $before'),
    freePages: connection.prepare('PRAGMA freelist_count'),
  };
}

function connect(path: string): DatabaseSync {
  const connection = new DatabaseSync(path, { timeout: 2_000 });
  try {
    // auto_vacuum before the first table, or it would not take effect; cache_size in KiB.
    connection.exec('PRAGMA auto_vacuum = INCREMENTAL; PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL');
    connection.exec('PRAGMA journal_size_limit = 8388608; PRAGMA cache_size = -2000');
    const version = Number(connection.prepare('PRAGMA user_version').get()?.['user_version'] ?? 0);
    if (version > schemaVersion) throw newer(path);
    if (version === 0) create(connection);
    else if (version < schemaVersion) upgrade(connection);
    return connection;
  } catch (error) {
    connection.close();
    throw error;
  }
}

function create(connection: DatabaseSync): void {
  const sql = readFileSync(join(import.meta.dirname, 'schema.sql'), 'utf8');
  connection.exec(`BEGIN IMMEDIATE; ${sql}; PRAGMA user_version = ${schemaVersion}; COMMIT`);
}

/** From version 1, which did not count what was dropped. */
function upgrade(connection: DatabaseSync): void {
  const sql = 'ALTER TABLE files ADD COLUMN dropped INTEGER NOT NULL DEFAULT 0';
  connection.exec(`BEGIN IMMEDIATE; ${sql}; PRAGMA user_version = ${schemaVersion}; COMMIT`);
}

function newer(path: string): KapalError {
  return new KapalError('state_newer', `${path} was written by a newer Kapal`, {
    hint: `Start the newer Kapal, or move ${path} away: it holds logs only.`,
  });
}
