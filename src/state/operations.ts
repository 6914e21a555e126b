import { outcomes } from '../model/deploy.ts';
import { KapalError } from '../model/errors.ts';
import type { ServiceId } from '../model/service.ts';
import {
  integer,
  integerOrNull,
  json,
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
import type { OperationRow, TaskRow } from './records.ts';
import { isAnything, isDeployTimes, isErrorDocument, isRunHandle } from './shapes.ts';
import { brokeConstraint } from './sqlite-errors.ts';
import type { Operations } from './store.ts';

const kinds = ['deploy', 'rollback', 'restart', 'configure', 'scale', 'stop', 'start'] as const;
const stages = ['source', 'build', 'rollout', 'finished'] as const;
const cancels = ['no', 'requested', 'superseded'] as const;

export function openOperations(database: Database): Operations {
  const operations = operationStatements(database);
  const tasks = taskStatements(database);
  const one = (row: Row | undefined): OperationRow | null => (row === undefined ? null : readOperation(row));
  const addTask = (task: TaskRow): void => {
    tasks.insert.run(taskColumns(task));
  };
  return {
    get: (id) => one(operations.get.get({ id })),
    byKey: (idempotencyKey) => one(operations.byKey.get({ key: idempotencyKey })),
    running: () => operations.running.all().map(readOperation),
    insert(row, rows) {
      database.transaction(() => {
        insertOperation(operations.insert, row);
        for (const task of rows) addTask(task);
      });
    },
    finish(id, at, error) {
      const changed = operations.finish.run({ id, at, error: toJson(error) });
      if (changed === 0) throw missing(`The operation ${id}`);
    },
    tasks: (operation) => tasks.of.all({ operation }).map(readTask),
    addTask,
    updateTask(operation, service, change) {
      const row = tasks.get.get({ operation, service });
      if (row === undefined) throw missing(`The part of operation ${operation} about ${service}`);
      tasks.update.run(taskColumns({ ...readTask(row), ...change }));
    },
    openTasks: (service) => tasks.open.all({ service }).map(readTask),
    isOvertaken: (operation, service) => tasks.overtaking.get({ operation, service }) !== undefined,
    trim({ keep, before }) {
      operations.trim.run({ keep, before });
    },
  };
}

function operationStatements(database: Database) {
  return {
    get: database.prepare('SELECT * FROM operations WHERE id = $id'),
    byKey: database.prepare('SELECT * FROM operations WHERE idempotency_key = $key'),
    running: database.prepare("SELECT * FROM operations WHERE state = 'running' ORDER BY rowid"),
    insert: database.prepare(`
      INSERT INTO operations (id, kind, project, environment, request, state, error, created_at, finished_at, idempotency_key)
      VALUES ($id, $kind, $project, $environment, $request, $state, $error, $created_at, $finished_at, $idempotency_key)`),
    finish: database.prepare(
      "UPDATE operations SET state = 'finished', finished_at = $at, error = $error WHERE id = $id",
    ),
    trim: database.prepare(`
      DELETE FROM operations WHERE id IN (SELECT id FROM operations WHERE state = 'finished'
        ORDER BY finished_at DESC, rowid DESC LIMIT -1 OFFSET $keep) AND finished_at < $before`),
  };
}

function taskStatements(database: Database) {
  return {
    get: database.prepare('SELECT * FROM tasks WHERE operation = $operation AND service = $service'),
    of: database.prepare('SELECT * FROM tasks WHERE operation = $operation ORDER BY service'),
    open: database.prepare(`
      SELECT tasks.* FROM tasks JOIN operations ON operations.id = tasks.operation
      WHERE tasks.service = $service AND tasks.stage <> 'finished' ORDER BY operations.rowid`),
    overtaking: database.prepare(`
      SELECT 1 FROM tasks JOIN operations ON operations.id = tasks.operation
      WHERE tasks.service = $service AND operations.rowid > (SELECT rowid FROM operations WHERE id = $operation)
        AND (tasks.stage <> 'finished' OR (operations.kind IN ('deploy', 'rollback') AND tasks.outcome IN ('live', 'unchanged')))
      LIMIT 1`),
    insert: database.prepare(`
      INSERT INTO tasks (operation, service, stage, artifact, build_run, release, outcome, error, times, cancel)
      VALUES ($operation, $service, $stage, $artifact, $build_run, $release, $outcome, $error, $times, $cancel)`),
    update: database.prepare(`
      UPDATE tasks SET stage = $stage, artifact = $artifact, build_run = $build_run, release = $release, outcome = $outcome,
        error = $error, times = $times, cancel = $cancel WHERE operation = $operation AND service = $service`),
  };
}

function insertOperation(statement: ReturnType<typeof operationStatements>['insert'], row: OperationRow): void {
  try {
    statement.run({
      id: row.id,
      kind: row.kind,
      project: row.project,
      environment: row.environment,
      request: JSON.stringify(row.request ?? null),
      state: row.state,
      error: toJson(row.error),
      created_at: row.createdAt,
      finished_at: row.finishedAt,
      idempotency_key: row.idempotencyKey,
    });
  } catch (error) {
    if (!brokeConstraint(error, 'operations.idempotency_key')) throw error;
    throw new KapalError('conflict', `A request with the idempotency key ${row.idempotencyKey} was taken before`, {
      cause: error,
    });
  }
}

function taskColumns(task: TaskRow): Parameters {
  return {
    operation: task.operation,
    service: task.service,
    stage: task.stage,
    artifact: task.artifact,
    build_run: toJson(task.buildRun),
    release: task.release,
    outcome: task.outcome,
    error: toJson(task.error),
    times: toJson(task.times),
    cancel: task.cancel,
  };
}

function readOperation(row: Row): OperationRow {
  return Object.freeze({
    id: text(row, 'id'),
    kind: oneOf(row, 'kind', kinds),
    project: text(row, 'project'),
    environment: text(row, 'environment'),
    request: json(row, 'request', isAnything),
    state: oneOf(row, 'state', ['running', 'finished']),
    error: jsonOrNull(row, 'error', isErrorDocument),
    createdAt: integer(row, 'created_at'),
    finishedAt: integerOrNull(row, 'finished_at'),
    idempotencyKey: textOrNull(row, 'idempotency_key'),
  });
}

function readTask(row: Row): TaskRow {
  return Object.freeze({
    operation: text(row, 'operation'),
    service: text(row, 'service') as ServiceId,
    stage: oneOf(row, 'stage', stages),
    artifact: textOrNull(row, 'artifact'),
    buildRun: jsonOrNull(row, 'build_run', isRunHandle),
    release: integerOrNull(row, 'release'),
    outcome: oneOfOrNull(row, 'outcome', outcomes),
    error: jsonOrNull(row, 'error', isErrorDocument),
    times: json(row, 'times', isDeployTimes),
    cancel: oneOf(row, 'cancel', cancels),
  });
}
