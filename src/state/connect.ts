import { chmodSync, closeSync, constants, fsyncSync, lstatSync, openSync } from 'node:fs';
import { dirname } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { KapalError } from '../model/errors.ts';
import { migrate } from './migrate.ts';
import { damaged, type Place, readableError } from './sqlite-errors.ts';

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
