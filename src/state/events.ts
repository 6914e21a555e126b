import type { ServiceId } from '../model/service.ts';
import { integer, type Row, text, textOrNull } from './columns.ts';
import type { Database } from './database.ts';
import type { EventRow } from './records.ts';
import type { Events } from './store.ts';

/** Events that are kept. Crashes make them without any deploy, so every so many that are written the oldest leave. */
const keptEvents = 10_000;
const trimEvery = 100;

export function openEvents(database: Database): Events {
  const append = database.prepare(`
    INSERT INTO events (time, kind, service, project, message) VALUES ($time, $kind, $service, $project, $message) RETURNING *`);
  const after = database.prepare('SELECT * FROM events WHERE sequence > $sequence ORDER BY sequence LIMIT $limit');
  const last = database.prepare('SELECT * FROM events ORDER BY sequence DESC LIMIT $limit');
  const trim = database.prepare('DELETE FROM events WHERE sequence <= $sequence');
  return {
    append({ time, kind, service, project, message }) {
      const row = append.get({ time, kind, service, project, message });
      if (row === undefined) throw new Error('the event was not written');
      const event = read(row);
      if (event.sequence % trimEvery === 0) trim.run({ sequence: event.sequence - keptEvents });
      return event;
    },
    after: (sequence, limit) => after.all({ sequence, limit }).map(read),
    last: (limit) => last.all({ limit }).map(read).reverse(),
  };
}

function read(row: Row): EventRow {
  return {
    sequence: integer(row, 'sequence'),
    time: integer(row, 'time'),
    kind: text(row, 'kind'),
    service: textOrNull(row, 'service') as ServiceId | null,
    project: textOrNull(row, 'project'),
    message: text(row, 'message'),
  };
}
