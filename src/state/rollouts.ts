import type { ServiceId } from '../model/service.ts';
import { rolloutPhases } from '../rollout/view.ts';
import {
  integer,
  integerOrNull,
  jsonOrNull,
  oneOf,
  oneOfOrNull,
  type Row,
  text,
  textOrNull,
  toJson,
} from './columns.ts';
import type { Database, Parameters } from './database.ts';
import { missing } from './missing.ts';
import type { RolloutRow } from './records.ts';
import { isErrorDocument, isRolloutFailure, isRunHandle } from './shapes.ts';
import type { Rollouts } from './store.ts';
import { brokeConstraint } from './sqlite-errors.ts';
import { KapalError } from '../model/errors.ts';

const prepares = ['absent', 'wanted', 'running', 'succeeded', 'failed'] as const;
const cancels = ['no', 'requested', 'superseded'] as const;
const outcomes = ['live', 'failed', 'rolled_back', 'cancelled'] as const;

export function openRollouts(database: Database): Rollouts {
  const sql = statements(database);
  const one = (row: Row | undefined): RolloutRow | null => (row === undefined ? null : read(row));
  const get = (id: string): RolloutRow | null => one(sql.get.get({ id }));
  return {
    get,
    active: (service) => one(sql.active.get({ service })),
    allActive: () => sql.allActive.all().map(read),
    insert(row) {
      const fixed = { service: row.service, from_release: row.from, to_release: row.to, started_at: row.startedAt };
      try {
        sql.insert.run({ ...changeable(row), ...fixed });
      } catch (error) {
        if (!brokeConstraint(error, 'rollouts.service')) throw error;
        throw new KapalError('conflict', `A rollout of ${row.service} is already in flight`, { cause: error });
      }
    },
    update(id, change) {
      const row = get(id);
      if (row === null) throw missing(`The rollout ${id}`);
      sql.update.run(changeable({ ...row, ...change }));
    },
    trim(service, keep) {
      sql.trim.run({ service, keep });
    },
  };
}

function statements(database: Database) {
  return {
    get: database.prepare('SELECT * FROM rollouts WHERE id = $id'),
    active: database.prepare('SELECT * FROM rollouts WHERE service = $service AND finished_at IS NULL'),
    allActive: database.prepare('SELECT * FROM rollouts WHERE finished_at IS NULL ORDER BY started_at, id'),
    insert: database.prepare(`
      INSERT INTO rollouts (id, service, operation, from_release, to_release, phase, since, prepare, cancel, failure, started_at,
        promoted_at, finished_at, outcome, error, prepare_run, vacated_at)
      VALUES ($id, $service, $operation, $from_release, $to_release, $phase, $since, $prepare, $cancel, $failure, $started_at,
        $promoted_at, $finished_at, $outcome, $error, $prepare_run, $vacated_at)`),
    update: database.prepare(`
      UPDATE rollouts SET operation = $operation, phase = $phase, since = $since, prepare = $prepare, cancel = $cancel,
        failure = $failure, promoted_at = $promoted_at, finished_at = $finished_at, outcome = $outcome, error = $error,
        prepare_run = $prepare_run, vacated_at = $vacated_at WHERE id = $id`),
    trim: database.prepare(`
      DELETE FROM rollouts WHERE id IN (SELECT id FROM rollouts WHERE service = $service AND finished_at IS NOT NULL
        ORDER BY finished_at DESC, rowid DESC LIMIT -1 OFFSET $keep)`),
  };
}

function changeable(row: RolloutRow): Parameters {
  return {
    id: row.id,
    operation: row.operation,
    phase: row.phase,
    since: row.since,
    prepare: row.prepare,
    cancel: row.cancel,
    failure: toJson(row.failure),
    promoted_at: row.promotedAt,
    finished_at: row.finishedAt,
    outcome: row.outcome,
    error: toJson(row.error),
    prepare_run: toJson(row.prepareRun),
    vacated_at: row.vacatedAt,
  };
}

function read(row: Row): RolloutRow {
  return Object.freeze({
    id: text(row, 'id'),
    service: text(row, 'service') as ServiceId,
    operation: textOrNull(row, 'operation'),
    from: integerOrNull(row, 'from_release'),
    to: integer(row, 'to_release'),
    phase: oneOf(row, 'phase', rolloutPhases),
    since: integer(row, 'since'),
    prepare: oneOf(row, 'prepare', prepares),
    cancel: oneOf(row, 'cancel', cancels),
    failure: jsonOrNull(row, 'failure', isRolloutFailure),
    startedAt: integer(row, 'started_at'),
    promotedAt: integerOrNull(row, 'promoted_at'),
    finishedAt: integerOrNull(row, 'finished_at'),
    outcome: oneOfOrNull(row, 'outcome', outcomes),
    error: jsonOrNull(row, 'error', isErrorDocument),
    prepareRun: jsonOrNull(row, 'prepare_run', isRunHandle),
    vacatedAt: integerOrNull(row, 'vacated_at'),
  });
}
