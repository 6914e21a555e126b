import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { copyFileSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { knownMigrations, statementsOf } from '../../src/state/migrate.ts';
import { openStore } from '../../src/state/open.ts';
import { judge, type Verdict } from './cases.ts';
import { contentOf, Folder } from './history.ts';

const source = join(import.meta.dirname, '..', '..', 'src');
const migrations = join(source, 'state', 'migrations');

/** Opens a record as the daemon does, and may be killed at a crash point on the way. */
const opening = `
  import { armCrashpoints } from '${source}/lib/crashpoint.ts';
  import { openStore } from '${source}/state/open.ts';
  armCrashpoints(process.env);
  openStore(process.argv[1]).close();`;

/** Where a migration can be killed: in it after each statement, before it is committed, and after. */
const points = ['state.migration.statement', 'state.migration.numbered', 'state.migrated'];

interface Kill {
  readonly version: number;
  readonly point: string;
  readonly turn: number;
}

/** Kills the migration of a record of every earlier version, with rows in all of its tables, at each statement (or each `every`-th): no row may be lost, and the next start ends it. */
export function killedMigrations({ every }: { readonly every: number }): Verdict {
  using folder = new Folder();
  const kills = killsOf(knownMigrations().length).filter((_, index) => index % every === 0);
  const named = kills.map((kill) => [`version ${kill.version}, ${kill.point}@${kill.turn}`, kill] as const);
  return judge('migrations: killed at each statement', named, (kill) => {
    const before = join(folder.path, `version-${kill.version}.db`);
    const rows = recordOf(before, kill.version);
    const whole = join(folder.path, 'whole.db');
    place(before, whole);
    openStore(whole).close();
    const path = join(folder.path, 'record.db');
    place(before, path);
    assert.equal(open(path, `${kill.point}@${kill.turn}`), 'SIGKILL');
    // As the killed one left it, before anything else opens it.
    holds(path, rows);
    assert.equal(open(path, null), null);
    holds(path, rows);
    assert.equal(contentOf(path), contentOf(whole), 'not what an undisturbed migration makes');
  });
}

/** Every passing of every point on the way from every version. */
function killsOf(newest: number): Kill[] {
  const kills: Kill[] = [];
  for (let version = 0; version < newest; version += 1) {
    const statements = knownMigrations()
      .slice(version)
      .flatMap((name) => statementsOf(readFileSync(join(migrations, name), 'utf8')));
    for (const point of points) {
      const turns = point === 'state.migration.statement' ? statements.length : newest - version;
      for (let turn = 1; turn <= turns; turn += 1) kills.push({ version, point, turn });
    }
  }
  return kills;
}

/** By which signal it was ended, null when it ended by itself. */
function open(path: string, crashpoint: string | null): NodeJS.Signals | null {
  const env = { ...process.env, ...(crashpoint === null ? {} : { KAPAL_CRASHPOINT: crashpoint }) };
  const args = ['--disable-warning=ExperimentalWarning', '--input-type=module', '-e', opening, path];
  const { signal, status, stderr } = spawnSync(process.execPath, args, { env, encoding: 'utf8' });
  if (signal === null && status !== 0) throw new Error(`it ended with ${status}: ${stderr}`);
  return signal;
}

type Rows = ReadonlyMap<string, readonly Record<string, unknown>[]>;

/** Makes a record of an earlier version by its own migrations, with rows in every table. */
function recordOf(path: string, version: number): Rows {
  for (const suffix of ['', '-wal', '-shm']) rmSync(path + suffix, { force: true });
  using database = new DatabaseSync(path);
  database.exec('PRAGMA journal_mode = WAL');
  for (const name of knownMigrations().slice(0, version)) database.exec(readFileSync(join(migrations, name), 'utf8'));
  database.exec(`PRAGMA user_version = ${version}`);
  for (const table of tablesOf(database)) for (let n = 1; n <= 3; n += 1) fill(database, table, n);
  return rowsOf(database);
}

/** Parents first, as they were made. */
function tablesOf(database: DatabaseSync): string[] {
  const tables = database
    .prepare("SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%' ORDER BY rowid")
    .all();
  return tables.map(({ name }) => String(name));
}

/** Every column of text says `COLUMN-N`, but those that name a parent's row, whose key says so too. */
function fill(database: DatabaseSync, table: string, n: number): void {
  const parents = new Map(
    database
      .prepare(`PRAGMA foreign_key_list("${table}")`)
      .all()
      .map((key) => [String(key['from']), String(key['to'])]),
  );
  const columns = database.prepare(`PRAGMA table_info("${table}")`).all();
  const values = columns.map(({ name, type }) =>
    type === 'INTEGER' ? n : `${parents.get(String(name)) ?? String(name)}-${n}`,
  );
  const names = columns.map(({ name }) => `"${String(name)}"`);
  database
    .prepare(`INSERT INTO "${table}" (${names.join(', ')}) VALUES (${names.map(() => '?').join(', ')})`)
    .run(...values);
}

function rowsOf(database: DatabaseSync): Rows {
  return new Map(tablesOf(database).map((table) => [table, database.prepare(`SELECT * FROM "${table}"`).all()]));
}

/** Every row is there, in the columns that its table still has. */
function holds(path: string, rows: Rows): void {
  contentOf(path);
  using database = new DatabaseSync(path, { readOnly: true });
  for (const [table, expected] of rows) {
    const present = database.prepare(`SELECT * FROM "${table}"`).all();
    for (const row of expected) {
      const kept = present.some((one) =>
        Object.entries(row).every(([column, value]) => !(column in one) || one[column] === value),
      );
      assert.ok(kept, `${table} lost ${JSON.stringify(row)}`);
    }
    assert.equal(present.length, expected.length, `rows of ${table}`);
  }
}

function place(from: string, to: string): void {
  for (const suffix of ['', '-wal', '-shm']) rmSync(to + suffix, { force: true });
  copyFileSync(from, to);
}
