import { KapalError } from '../model/errors.ts';
import type { ServiceId } from '../model/service.ts';
import { oneOf, type Row, text } from './columns.ts';
import type { Database } from './database.ts';
import type { DomainRow } from './records.ts';
import type { Domains } from './store.ts';

export function openDomains(database: Database): Domains {
  const sql = statements(database);
  const one = (row: Row | undefined): DomainRow | null => (row === undefined ? null : read(row));
  const get = (host: string): DomainRow | null => one(sql.get.get({ host }));
  const add = (row: DomainRow): void => {
    const holder = get(row.host)?.service ?? defaultHolder(row.host);
    if (holder !== null && holder !== row.service) throw taken(row, holder);
    sql.add.run({ host: row.host, service: row.service, source: row.source });
  };
  const defaultHolder = (host: string): string | null => {
    const row = sql.byDefault.get({ host });
    return row === undefined ? null : text(row, 'id');
  };
  return {
    all: () => sql.all.all().map(read),
    of: (service) => sql.of.all({ service }).map(read),
    get,
    add: (row) => database.transaction(() => add(row)),
    remove(host) {
      sql.remove.run({ host });
    },
    declare(service, hosts) {
      database.transaction(() => {
        sql.undeclare.run({ service, hosts: JSON.stringify(hosts) });
        for (const host of hosts) add({ host, service, source: 'declared' });
      });
    },
  };
}

function statements(database: Database) {
  return {
    all: database.prepare('SELECT * FROM domains ORDER BY host'),
    of: database.prepare('SELECT * FROM domains WHERE service = $service ORDER BY host'),
    get: database.prepare('SELECT * FROM domains WHERE host = $host'),
    byDefault: database.prepare('SELECT id FROM services WHERE host = $host'),
    /** A host that was added by command stays added: the person who asked for it wants it whatever the file says. */
    add: database.prepare(`
      INSERT INTO domains (host, service, source) VALUES ($host, $service, $source)
      ON CONFLICT (host) DO UPDATE SET source = excluded.source WHERE source = 'declared'`),
    remove: database.prepare('DELETE FROM domains WHERE host = $host'),
    undeclare: database.prepare(`
      DELETE FROM domains WHERE service = $service AND source = 'declared' AND host NOT IN (SELECT value FROM json_each($hosts))`),
  };
}

function taken(row: DomainRow, holder: string): KapalError {
  return new KapalError('domain_taken', `${row.host} cannot be given to ${row.service}: ${holder} answers there`, {
    hint: `Take it from ${holder} first, or choose another host name.`,
  });
}

function read(row: Row): DomainRow {
  return {
    host: text(row, 'host'),
    service: text(row, 'service') as ServiceId,
    source: oneOf(row, 'source', ['declared', 'added']),
  };
}
