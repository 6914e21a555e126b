import type { DatabaseSync, SQLInputValue, SQLOutputValue, StatementSync } from 'node:sqlite';
import { setImmediate as turnOver } from 'node:timers/promises';
import type { ServiceId } from '../../model/service.ts';
import type { LogDatabase } from './database.ts';
import type { OwnLine } from './messages.ts';
import { compilePattern, type Matches } from './pattern.ts';
import { type LogLine, type LogQuery, logKinds } from './port.ts';

/** Rows that are looked at before the collector gets its turn. */
const slice = 1000;

/** Lines come in the order of their time but for corrections of the clock: looking back ends this much before `since`. */
const clockTolerance = 5 * 60_000;

/** A line before it is known where it came from: most are looked at and left. */
interface Row {
  readonly sequence: number;
  readonly time: number;
  readonly origin: number;
  readonly text: string;
}

type Origin = Omit<OwnLine, 'text'>;

/** Where to look: a condition on `lines` with its parameters, and the sequence numbers between which the answer lies. */
interface Scope {
  readonly condition: string;
  readonly parameters: Readonly<Record<string, SQLInputValue>>;
  readonly above: number;
  readonly below: number;
}

/**
 * Answers queries a slice at a time, so that a search through everything does not keep the collector from its files.
 * Throws KapalError `usage` for a pattern that is wrong or takes too long.
 */
export class LogSearch {
  readonly #connection: DatabaseSync;
  readonly #database: LogDatabase;
  readonly #prepared = new Map<string, StatementSync>();

  constructor(database: LogDatabase) {
    this.#database = database;
    this.#connection = database.connection;
  }

  async find(query: LogQuery): Promise<LogLine[]> {
    const matches = query.grep === undefined ? null : compilePattern(query.grep);
    const scope = this.#scope(query);
    if (scope === null) return [];
    const rows =
      query.after === undefined ? await this.#last(query, scope, matches) : await this.#next(query, scope, matches);
    return this.#complete(rows);
  }

  /** The first `limit` lines after the cursor: a follower misses none. */
  async #next(query: LogQuery, scope: Scope, matches: Matches | null): Promise<Row[]> {
    const found: Row[] = [];
    for (let above = scope.above; found.length < query.limit; ) {
      const rows = this.#slice({ ...scope, above }, 'ASC');
      const last = rows.at(-1);
      if (last === undefined) break;
      for (const row of select(rows, query, matches)) if (found.length < query.limit) found.push(row);
      above = last.sequence;
      await turnOver();
    }
    return found;
  }

  /** The last `limit` lines, looked for from the end backwards. */
  async #last(query: LogQuery, scope: Scope, matches: Matches | null): Promise<Row[]> {
    const found: Row[] = [];
    for (let below = scope.below; found.length < query.limit; ) {
      const rows = this.#slice({ ...scope, below }, 'DESC');
      const last = rows.at(-1);
      if (last === undefined) break;
      for (const row of select(rows, query, matches)) if (found.length < query.limit) found.push(row);
      if (query.since !== undefined && last.time < query.since - clockTolerance) break;
      below = last.sequence;
      await turnOver();
    }
    return found.reverse();
  }

  /** Null: nothing can match. */
  #scope(query: LogQuery): Scope | null {
    const parameters: Record<string, SQLInputValue> = {};
    const conditions = ['sequence > $above', 'sequence < $below'];
    let above = query.after ?? 0;
    let below = this.#database.newest() + 1;
    let service = query.service === undefined ? undefined : this.#database.serviceNumber(query.service);
    if (query.run !== undefined) {
      const run = this.#prepare(runSql).get({ run: query.run });
      if (run === undefined) return null;
      service ??= Number(run['service']);
      above = Math.max(above, Number(run['first']) - 1);
      below = Math.min(below, Number(run['last']) + 1);
    }
    if (service === null) return null;
    if (service !== undefined) {
      conditions.push('service = $service');
      parameters['service'] = service;
    }
    if (query.run !== undefined || query.kinds !== undefined) {
      const kinds = JSON.stringify(query.kinds ?? logKinds);
      const origins = this.#prepare(originsSql).all({ service: service ?? null, run: query.run ?? null, kinds });
      conditions.push('origin IN (SELECT value FROM json_each($origins))');
      parameters['origins'] = JSON.stringify(origins.map((row) => row['id']));
    }
    return { condition: conditions.join(' AND '), parameters, above, below };
  }

  #slice({ condition, parameters, above, below }: Scope, order: 'ASC' | 'DESC'): Row[] {
    const sql = `SELECT sequence, time, origin, text FROM lines WHERE ${condition} ORDER BY sequence ${order} LIMIT ${slice}`;
    return this.#prepare(sql)
      .all({ ...parameters, above, below })
      .map(readRow);
  }

  #complete(rows: readonly Row[]): LogLine[] {
    const origins = new Map<number, Origin>();
    return rows.flatMap(({ sequence, time, origin: id, text }) => {
      const origin = origins.get(id) ?? this.#origin(id);
      // Deleted by the quota while the search went on.
      if (origin === null) return [];
      origins.set(id, origin);
      return [{ sequence, time, ...origin, text }];
    });
  }

  #origin(id: number): Origin | null {
    const row = this.#prepare(originSql).get({ id });
    return row === undefined ? null : readOrigin(row);
  }

  #prepare(sql: string): StatementSync {
    const known = this.#prepared.get(sql);
    if (known !== undefined) return known;
    const statement = this.#connection.prepare(sql);
    this.#prepared.set(sql, statement);
    return statement;
  }
}

const runSql = 'SELECT service, min(first) AS first, max(last) AS last FROM origins WHERE run = $run GROUP BY service';

const originsSql = `
  SELECT id FROM origins WHERE kind IN (SELECT value FROM json_each($kinds))
    AND ($service IS NULL OR service = $service) AND ($run IS NULL OR run = $run)`;

const originSql = `
  SELECT services.name AS service, kind, run, instance, release
  FROM origins JOIN services ON services.id = origins.service WHERE origins.id = $id`;

function select(rows: readonly Row[], { since }: LogQuery, matches: Matches | null): readonly Row[] {
  const recent = since === undefined ? rows : rows.filter((row) => row.time >= since);
  return matches === null ? recent : matches(recent, (row) => row.text);
}

type Columns = Record<string, SQLOutputValue>;

function readRow(row: Columns): Row {
  return {
    sequence: Number(row['sequence']),
    time: Number(row['time']),
    origin: Number(row['origin']),
    text: String(row['text']),
  };
}

function readOrigin({ service, kind, run, instance, release }: Columns): Origin {
  return {
    service: String(service) as ServiceId,
    kind: logKinds.find((one) => one === kind) ?? 'kapal',
    run: String(run),
    instance: typeof instance === 'string' ? instance : null,
    release: typeof release === 'number' ? release : null,
  };
}
