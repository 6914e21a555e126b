import { chmodSync, closeSync, constants, fsyncSync, lstatSync, openSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { KapalError } from '../model/errors.ts';
import { damaged, type Place, readableError } from './sqlite-errors.ts';

const migrationsFolder = join(import.meta.dirname, 'migrations');

/**
 * Opens the record's file, checks it and brings it to the newest version; `:memory:` makes one that vanishes with the connection.
 * Throws KapalError `state_damaged`, `state_newer` or `disk_full`.
 */
export function connect(path: string): DatabaseSync {
  const place: Place = { path };
  if (path !== ':memory:') createPrivateFile(path);
  let connection: DatabaseSync | null = null;
  try {
    connection = new DatabaseSync(path, { enableForeignKeyConstraints: true, timeout: 5_000 });
    connection.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA journal_size_limit = 16777216');
    checkSoundness(connection, place);
    migrate(connection, place);
    return connection;
  } catch (error) {
    connection?.close();
    throw readableError(error, place);
  }
}

/**
 * SQLite would make it by the umask; it holds sealed values and everybody's declarations. Its companions take its mode. A file that is
 * there is not opened here: closing it would drop the locks that this process has on it (fcntl(2)).
 */
function createPrivateFile(path: string): void {
  try {
    const there = lstatSync(path, { throwIfNoEntry: false });
    if (there !== undefined && !there.isFile()) throw new Error('it is not a plain file');
    if (there === undefined) createEmpty(path);
    else if ((there.mode & 0o777) !== 0o600) chmodSync(path, 0o600);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new KapalError('state_damaged', `${path} cannot be opened: ${reason}`, {
      hint: 'Check that its folder exists and that both belong to the user that Kapal runs as.',
      cause: error,
    });
  }
}

function createEmpty(path: string): void {
  closeSync(openSync(path, constants.O_RDWR | constants.O_CREAT | constants.O_EXCL, 0o600));
  const folder = openSync(dirname(path), constants.O_RDONLY | constants.O_DIRECTORY);
  fsyncSync(folder);
  closeSync(folder);
}

function checkSoundness(connection: DatabaseSync, place: Place): void {
  const said = connection.prepare('PRAGMA quick_check(1)').get();
  const verdict = said === undefined ? 'no answer' : String(Object.values(said)[0]);
  if (verdict !== 'ok') throw damaged(place, verdict);
}

function migrate(connection: DatabaseSync, place: Place): void {
  const migrations = knownMigrations();
  const version = versionOf(connection);
  if (version > migrations.length) {
    throw new KapalError(
      'state_newer',
      `${place.path} was written by a newer Kapal: its version is ${version}, this Kapal knows ${migrations.length}`,
      { hint: 'Start the newer Kapal, or restore the backup that was made before the upgrade.' },
    );
  }
  for (const [index, name] of migrations.entries()) {
    if (index >= version) apply(connection, { name, version: index + 1 });
  }
}

function apply(connection: DatabaseSync, migration: { name: string; version: number }): void {
  const sql = readFileSync(join(migrationsFolder, migration.name), 'utf8');
  connection.exec('BEGIN IMMEDIATE');
  try {
    connection.exec(sql);
    connection.exec(`PRAGMA user_version = ${migration.version}`);
    connection.exec('COMMIT');
  } catch (error) {
    if (connection.isTransaction) connection.exec('ROLLBACK');
    throw error;
  }
}

/** `001-record.sql`, ... in order; a gap in the numbers is a fault in the package. */
function knownMigrations(): readonly string[] {
  const names = readdirSync(migrationsFolder)
    .filter((name) => name.endsWith('.sql'))
    .sort();
  const wrong = names.find((name, index) => Number.parseInt(name, 10) !== index + 1);
  if (wrong !== undefined) throw new KapalError('internal', `The migration ${wrong} is out of order`);
  return names;
}

function versionOf(connection: DatabaseSync): number {
  return Number(connection.prepare('PRAGMA user_version').get()?.['user_version'] ?? 0);
}
