import type { ServiceId } from '../model/service.ts';
import { flag, integer, integerOrNull, json, jsonOrNull, oneOf, type Row, text, toJson } from './columns.ts';
import type { Database } from './database.ts';
import { missing } from './missing.ts';
import { ReadThrough } from './read-through.ts';
import type { ReleaseRow } from './records.ts';
import { isArtifact, isErrorDocument, isServiceSpec, isSourceRecord } from './shapes.ts';
import type { Releases } from './store.ts';

const statuses = ['pending', 'live', 'failed', 'rolled_back', 'cancelled'] as const;

export interface KeptReleases extends Releases {
  forget(service: ServiceId): void;
}

export function openReleases(database: Database): KeptReleases {
  const sql = statements(database);
  /** By service, then number: the reconciler asks for the same few releases on every pass. */
  const kept = new ReadThrough<ServiceId, Map<number, ReleaseRow>>(database);

  const get = (service: ServiceId, number: number): ReleaseRow | null => {
    const known = kept.get(service, () => new Map<number, ReleaseRow>());
    const found = known.get(number);
    if (found !== undefined) return found;
    const row = sql.get.get({ service, number });
    if (row === undefined) return null;
    const release = read(row);
    known.set(number, release);
    return release;
  };

  return {
    get,
    of: (service) => sql.of.all({ service }).map(read),
    insert(row) {
      sql.insert.run({
        service: row.service,
        number: row.number,
        spec: toJson(row.spec),
        source: toJson(row.source),
        artifact: toJson(row.artifact),
        fingerprint: row.fingerprint,
        environment: row.environment,
        cause: row.cause,
        status: row.status,
        error: toJson(row.error),
        created_at: row.createdAt,
        pruned: Number(row.pruned),
        insists: row.insists,
      });
      kept.drop(row.service);
    },
    update(service, number, change) {
      const row = get(service, number);
      if (row === null) throw missing(`Release ${number} of ${service}`);
      const { status, error, pruned, insists } = { ...row, ...change };
      sql.update.run({ service, number, status, error: toJson(error), pruned: Number(pruned), insists });
      kept.drop(service);
    },
    remove(service, number) {
      sql.remove.run({ service, number });
      kept.drop(service);
    },
    forget: (service) => kept.drop(service),
  };
}

function statements(database: Database) {
  return {
    get: database.prepare('SELECT * FROM releases WHERE service = $service AND number = $number'),
    of: database.prepare('SELECT * FROM releases WHERE service = $service ORDER BY number DESC'),
    insert: database.prepare(`
      INSERT INTO releases (service, number, spec, source, artifact, fingerprint, environment, cause, status, error, created_at, pruned,
        insists)
      VALUES ($service, $number, $spec, $source, $artifact, $fingerprint, $environment, $cause, $status, $error, $created_at, $pruned,
        $insists)`),
    update: database.prepare(
      'UPDATE releases SET status = $status, error = $error, pruned = $pruned, insists = $insists WHERE service = $service AND number = $number',
    ),
    remove: database.prepare('DELETE FROM releases WHERE service = $service AND number = $number'),
  };
}

function read(row: Row): ReleaseRow {
  return Object.freeze({
    service: text(row, 'service') as ServiceId,
    number: integer(row, 'number'),
    spec: json(row, 'spec', isServiceSpec),
    source: jsonOrNull(row, 'source', isSourceRecord),
    artifact: jsonOrNull(row, 'artifact', isArtifact),
    fingerprint: text(row, 'fingerprint'),
    environment: text(row, 'environment'),
    cause: text(row, 'cause'),
    status: oneOf(row, 'status', statuses),
    error: jsonOrNull(row, 'error', isErrorDocument),
    createdAt: integer(row, 'created_at'),
    pruned: flag(row, 'pruned'),
    insists: integerOrNull(row, 'insists'),
  });
}
