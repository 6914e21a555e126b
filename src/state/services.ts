import { KapalError } from '../model/errors.ts';
import type { ServiceId } from '../model/service.ts';
import { flag, integer, integerOrNull, json, type Row, text, textOrNull, toJson } from './columns.ts';
import type { Database, Parameters, Statement } from './database.ts';
import { missing } from './missing.ts';
import { ReadThrough } from './read-through.ts';
import type { ServiceRow } from './records.ts';
import { isServiceSpec } from './shapes.ts';
import { brokeConstraint } from './sqlite-errors.ts';
import type { Services } from './store.ts';

/** `dependents`: forgets what other aggregates keep in memory of a service that was removed with all its rows. */
export function openServices(database: Database, dependents: (id: ServiceId) => void): Services {
  const sql = statements(database);
  const kept = new ReadThrough<ServiceId, ServiceRow>(database);

  const get = (id: ServiceId): ServiceRow | null =>
    kept.get(id, () => {
      const row = sql.get.get({ id });
      return row === undefined ? null : read(row);
    });
  const existing = (id: ServiceId): ServiceRow => {
    const row = get(id);
    if (row === null) throw missing(`The service ${id}`);
    return row;
  };

  return {
    get,
    all: () => sql.ids.all().map((row) => existing(text(row, 'id') as ServiceId)),
    insert(row) {
      const more = { current: row.current, next_release: row.nextRelease, created_at: row.createdAt };
      write(sql.insert, { ...changeable(row), ...more }, row);
      kept.drop(row.id);
    },
    update(id, change) {
      const next = { ...existing(id), ...change };
      write(sql.update, changeable(next), next);
      kept.drop(id);
    },
    promote(id, from, to) {
      kept.drop(id);
      return sql.promote.run({ id, from, to }) === 1;
    },
    takeReleaseNumber(id) {
      kept.drop(id);
      const row = sql.takeNumber.get({ id });
      if (row === undefined) throw missing(`The service ${id}`);
      return integer(row, 'taken');
    },
    remove(id) {
      database.transaction(() => {
        for (const statement of sql.remove) statement.run({ id });
        kept.drop(id);
        dependents(id);
      });
    },
  };
}

function statements(database: Database) {
  return {
    get: database.prepare('SELECT * FROM services WHERE id = $id'),
    ids: database.prepare('SELECT id FROM services ORDER BY id'),
    insert: database.prepare(`
      INSERT INTO services (id, spec, current, next_release, scale, stopped, removing, host, private_port, created_at)
      VALUES ($id, $spec, $current, $next_release, $scale, $stopped, $removing, $host, $private_port, $created_at)`),
    update: database.prepare(`
      UPDATE services SET spec = $spec, scale = $scale, stopped = $stopped, removing = $removing, host = $host,
        private_port = $private_port WHERE id = $id`),
    promote: database.prepare('UPDATE services SET current = $to WHERE id = $id AND current IS $from'),
    takeNumber: database.prepare(
      'UPDATE services SET next_release = next_release + 1 WHERE id = $id RETURNING next_release - 1 AS taken',
    ),
    /** What has no foreign key to the service; a finished task stays, it is part of its operation's result. */
    remove: [
      database.prepare("DELETE FROM tasks WHERE service = $id AND stage <> 'finished'"),
      database.prepare('DELETE FROM variables WHERE owner = $id'),
      database.prepare('DELETE FROM services WHERE id = $id'),
    ],
  };
}

function changeable(row: ServiceRow): Parameters {
  return {
    id: row.id,
    spec: toJson(row.spec),
    scale: row.scale,
    stopped: Number(row.stopped),
    removing: Number(row.removing),
    host: row.host,
    private_port: row.privatePort,
  };
}

function write(statement: Statement, parameters: Parameters, row: ServiceRow): void {
  try {
    statement.run(parameters);
  } catch (error) {
    if (brokeConstraint(error, 'services.host')) {
      throw new KapalError('domain_taken', `Another service already answers at ${row.host}`, { cause: error });
    }
    if (brokeConstraint(error, 'services.private_port')) {
      throw new KapalError('conflict', `Another service already has the private port ${row.privatePort}`, {
        cause: error,
      });
    }
    throw error;
  }
}

function read(row: Row): ServiceRow {
  return Object.freeze({
    id: text(row, 'id') as ServiceId,
    spec: json(row, 'spec', isServiceSpec),
    current: integerOrNull(row, 'current'),
    nextRelease: integer(row, 'next_release'),
    scale: integerOrNull(row, 'scale'),
    stopped: flag(row, 'stopped'),
    removing: flag(row, 'removing'),
    host: textOrNull(row, 'host'),
    privatePort: integerOrNull(row, 'private_port'),
    createdAt: integer(row, 'created_at'),
  });
}
