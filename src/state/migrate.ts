import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { DatabaseSync } from 'node:sqlite';
import { crashpoint } from '../lib/crashpoint.ts';
import { KapalError } from '../model/errors.ts';
import type { Place } from './sqlite-errors.ts';

const migrationsFolder = join(import.meta.dirname, 'migrations');

/** Brings a record to the newest version, each step all or nothing. Throws KapalError `state_newer` for one that is ahead of this Kapal, which is left as it is. */
export function migrate(connection: DatabaseSync, place: Place): void {
  const migrations = knownMigrations();
  const version = versionOf(connection);
  if (version > migrations.length) throw newer(place, { version, known: migrations.length });
  for (const [index, name] of migrations.entries()) {
    if (index >= version) apply(connection, { name, version: index + 1 });
  }
}

function newer({ path }: Place, { version, known }: { version: number; known: number }): KapalError {
  return new KapalError(
    'state_newer',
    `${path} was written by a newer Kapal: its version is ${version}, this Kapal knows ${known}`,
    {
      hint: 'Start the newer Kapal, or restore the backup that was made before the upgrade. Nothing was changed; what runs goes on running.',
    },
  );
}

function apply(connection: DatabaseSync, migration: { name: string; version: number }): void {
  const sql = readFileSync(join(migrationsFolder, migration.name), 'utf8');
  connection.exec('BEGIN IMMEDIATE');
  try {
    for (const statement of statementsOf(sql)) {
      connection.exec(statement);
      crashpoint('state.migration.statement');
    }
    connection.exec(`PRAGMA user_version = ${migration.version}`);
    crashpoint('state.migration.numbered');
    connection.exec('COMMIT');
    crashpoint('state.migrated');
  } catch (error) {
    if (connection.isTransaction) connection.exec('ROLLBACK');
    throw error;
  }
}

/**
 * The statements of a migration, in order, each with the comments before it. Knows strings, quoted names and line comments; a trigger, whose body holds
 * semicolons too, would be cut in pieces that SQLite refuses.
 */
export function statementsOf(sql: string): string[] {
  const tokens = sql.match(/--[^\n]*|'(?:[^']|'')*'|"(?:[^"]|"")*"|;|[^-'";]+|-/g) ?? [];
  const statements = [''];
  for (const token of tokens) {
    statements[statements.length - 1] += token;
    if (token === ';') statements.push('');
  }
  return statements.filter((statement) => statement.endsWith(';'));
}

/** `001-record.sql`, ... in order; a gap in the numbers is a fault in the package. */
export function knownMigrations(): readonly string[] {
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
