import { instanceStates } from '../model/instance.ts';
import type { ServiceId } from '../model/service.ts';
import { integer, integerOrNull, jsonOrNull, oneOf, type Row, text, textOrNull, toJson } from './columns.ts';
import type { Database, Parameters } from './database.ts';
import { missing } from './missing.ts';
import { ReadThrough } from './read-through.ts';
import type { InstanceRow } from './records.ts';
import { isExit, isRunHandle } from './shapes.ts';
import type { Instances } from './store.ts';

export interface KeptInstances extends Instances {
  forget(service: ServiceId): void;
}

export function openInstances(database: Database): KeptInstances {
  const sql = statements(database);
  const kept = new ReadThrough<string, InstanceRow>(database);
  const lists = new ReadThrough<ServiceId, readonly InstanceRow[]>(database);

  const get = (id: string): InstanceRow | null =>
    kept.get(id, () => {
      const row = sql.get.get({ id });
      return row === undefined ? null : read(row);
    });
  const listed = (row: Row): InstanceRow => kept.get(text(row, 'id'), () => read(row));
  const drop = (row: InstanceRow): void => {
    kept.drop(row.id);
    lists.drop(row.service);
  };

  return {
    get,
    of: (service) => lists.get(service, () => Object.freeze(sql.of.all({ service }).map(listed))),
    all: () => sql.all.all().map(listed),
    insert(row) {
      const fixed = { service: row.service, release: row.release, created_at: row.createdAt };
      sql.insert.run({ ...changeable(row), ...fixed });
      drop(row);
    },
    update(id, change) {
      const row = get(id);
      if (row === null) throw missing(`The instance ${id}`);
      sql.update.run(changeable({ ...row, ...change }));
      drop(row);
    },
    remove(id) {
      const row = get(id);
      if (row === null) return;
      sql.remove.run({ id });
      drop(row);
    },
    forget(service) {
      kept.clear();
      lists.drop(service);
    },
  };
}

function statements(database: Database) {
  return {
    get: database.prepare('SELECT * FROM instances WHERE id = $id'),
    of: database.prepare(
      "SELECT * FROM instances WHERE service = $service AND state <> 'gone' ORDER BY created_at, id",
    ),
    all: database.prepare('SELECT * FROM instances ORDER BY created_at, id'),
    insert: database.prepare(`
      INSERT INTO instances (id, service, release, state, since, attempt, started_at, quick_exits, retry_at, handle, port, address,
        last_exit, created_at)
      VALUES ($id, $service, $release, $state, $since, $attempt, $started_at, $quick_exits, $retry_at, $handle, $port, $address,
        $last_exit, $created_at)`),
    update: database.prepare(`
      UPDATE instances SET state = $state, since = $since, attempt = $attempt, started_at = $started_at, quick_exits = $quick_exits,
        retry_at = $retry_at, handle = $handle, port = $port, address = $address,
        last_exit = $last_exit WHERE id = $id`),
    remove: database.prepare('DELETE FROM instances WHERE id = $id'),
  };
}

function changeable(row: InstanceRow): Parameters {
  return {
    id: row.id,
    state: row.state,
    since: row.since,
    attempt: row.attempt,
    started_at: row.startedAt,
    quick_exits: row.quickExits,
    retry_at: row.retryAt,
    handle: toJson(row.handle),
    port: row.port,
    address: row.address,
    last_exit: toJson(row.lastExit),
  };
}

function read(row: Row): InstanceRow {
  return Object.freeze({
    id: text(row, 'id'),
    service: text(row, 'service') as ServiceId,
    release: integer(row, 'release'),
    state: oneOf(row, 'state', instanceStates),
    since: integer(row, 'since'),
    attempt: integer(row, 'attempt'),
    startedAt: integer(row, 'started_at'),
    quickExits: integer(row, 'quick_exits'),
    retryAt: integerOrNull(row, 'retry_at'),
    handle: jsonOrNull(row, 'handle', isRunHandle),
    port: integerOrNull(row, 'port'),
    address: textOrNull(row, 'address'),
    lastExit: jsonOrNull(row, 'last_exit', isExit),
    createdAt: integer(row, 'created_at'),
  });
}
