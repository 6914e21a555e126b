import { jobCauses, jobEndings, jobResults, jobStates } from '../model/job.ts';
import type { ServiceId } from '../model/service.ts';
import {
  flag,
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
import type { JobRow, ScheduleRow } from './records.ts';
import { isExit, isRunHandle } from './shapes.ts';
import type { Jobs } from './store.ts';

export function openJobs(database: Database): Jobs {
  const sql = statements(database);
  const get = (id: string): JobRow | null => {
    const row = sql.get.get({ id });
    return row === undefined ? null : read(row);
  };
  return {
    get,
    of: (service) => sql.of.all({ service }).map(read),
    open: (service) => sql.open.all({ service }).map(read),
    allOpen: () => sql.allOpen.all().map(read),
    insert(row) {
      sql.insert.run({
        ...changeable(row),
        service: row.service,
        release: row.release,
        cause: row.cause,
        slot: row.slot,
        command: row.command,
        attached: Number(row.attached),
        timeout: row.timeout,
        created_at: row.createdAt,
      });
    },
    update(id, change) {
      const row = get(id);
      if (row === null) throw missing(`The job ${id}`);
      sql.update.run(changeable({ ...row, ...change }));
    },
    trim(service, keep) {
      sql.trim.run({ service, keep });
    },
    isTaken: (service, slot) => sql.taken.get({ service, slot }) !== undefined,
    take(service, slot) {
      sql.take.run({ service, slot });
    },
    forgetSlots(service, before) {
      sql.forgetSlots.run({ service, before });
    },
    schedule(service) {
      const row = sql.schedule.get({ service });
      return row === undefined ? null : readSchedule(row);
    },
    putSchedule({ service, expression, timeZone, cursor }) {
      sql.putSchedule.run({ service, expression, time_zone: timeZone, cursor });
    },
    forgetSchedule(service) {
      sql.forgetSchedule.run({ service });
    },
  };
}

function statements(database: Database) {
  return {
    get: database.prepare('SELECT * FROM jobs WHERE id = $id'),
    of: database.prepare('SELECT * FROM jobs WHERE service = $service ORDER BY created_at DESC, rowid DESC'),
    open: database.prepare(
      "SELECT * FROM jobs WHERE service = $service AND state <> 'ended' ORDER BY created_at, rowid",
    ),
    allOpen: database.prepare("SELECT * FROM jobs WHERE state <> 'ended' ORDER BY created_at, rowid"),
    insert: database.prepare(`
      INSERT INTO jobs (id, service, release, cause, slot, state, command, attached, timeout, ending, handle, created_at, started_at,
        ended_at, exit, result)
      VALUES ($id, $service, $release, $cause, $slot, $state, $command, $attached, $timeout, $ending, $handle, $created_at, $started_at,
        $ended_at, $exit, $result)`),
    update: database.prepare(`
      UPDATE jobs SET state = $state, ending = $ending, handle = $handle, started_at = $started_at, ended_at = $ended_at, exit = $exit,
        result = $result WHERE id = $id`),
    trim: database.prepare(`
      DELETE FROM jobs WHERE id IN (SELECT id FROM jobs WHERE service = $service AND state = 'ended'
        ORDER BY created_at DESC, rowid DESC LIMIT -1 OFFSET $keep)`),
    taken: database.prepare(`
      SELECT slot FROM job_slots WHERE service = $service AND slot = $slot
      UNION SELECT slot FROM jobs WHERE service = $service AND slot = $slot`),
    take: database.prepare('INSERT INTO job_slots (service, slot) VALUES ($service, $slot)'),
    forgetSlots: database.prepare('DELETE FROM job_slots WHERE service = $service AND slot < $before'),
    schedule: database.prepare('SELECT * FROM schedules WHERE service = $service'),
    putSchedule: database.prepare(`
      INSERT OR REPLACE INTO schedules (service, expression, time_zone, cursor)
      VALUES ($service, $expression, $time_zone, $cursor)`),
    forgetSchedule: database.prepare('DELETE FROM schedules WHERE service = $service'),
  };
}

function changeable(row: JobRow): Parameters {
  return {
    id: row.id,
    state: row.state,
    ending: row.ending,
    handle: toJson(row.handle),
    started_at: row.startedAt,
    ended_at: row.endedAt,
    exit: toJson(row.exit),
    result: row.result,
  };
}

function read(row: Row): JobRow {
  return {
    id: text(row, 'id'),
    service: text(row, 'service') as ServiceId,
    release: integer(row, 'release'),
    cause: oneOf(row, 'cause', jobCauses),
    slot: integerOrNull(row, 'slot'),
    state: oneOf(row, 'state', jobStates),
    command: textOrNull(row, 'command'),
    attached: flag(row, 'attached'),
    timeout: integerOrNull(row, 'timeout'),
    ending: oneOfOrNull(row, 'ending', jobEndings),
    handle: jsonOrNull(row, 'handle', isRunHandle),
    createdAt: integer(row, 'created_at'),
    startedAt: integerOrNull(row, 'started_at'),
    endedAt: integerOrNull(row, 'ended_at'),
    exit: jsonOrNull(row, 'exit', isExit),
    result: oneOfOrNull(row, 'result', jobResults),
  };
}

function readSchedule(row: Row): ScheduleRow {
  return {
    service: text(row, 'service') as ServiceId,
    expression: text(row, 'expression'),
    timeZone: text(row, 'time_zone'),
    cursor: integer(row, 'cursor'),
  };
}
