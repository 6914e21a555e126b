import { domainText, readDomain } from '../model/domains.ts';
import { KapalError } from '../model/errors.ts';
import type { ServiceId } from '../model/service.ts';
import { oneOf, type Row, text } from './columns.ts';
import type { Database } from './database.ts';
import type { DomainRow } from './records.ts';
import type { Domains } from './store.ts';

export function openDomains(database: Database): Domains {
  const sql = statements(database);
  const one = (row: Row | undefined): DomainRow | null => (row === undefined ? null : read(row));
  const get = (host: string, path = '/'): DomainRow | null => one(sql.get.get({ host, path }));
  const add = (row: DomainRow): void => {
    const holder = get(row.host, row.path)?.service ?? defaultHolder(row);
    if (holder !== null && holder !== row.service) throw taken(row, holder);
    sql.add.run({ host: row.host, path: row.path, service: row.service, source: row.source });
  };
  /** A default name is the whole host's; below a path of it others may answer. */
  const defaultHolder = ({ host, path }: DomainRow): string | null => {
    const row = path === '/' ? sql.byDefault.get({ host }) : undefined;
    return row === undefined ? null : text(row, 'id');
  };
  return {
    all: () => sql.all.all().map(read),
    of: (service) => sql.of.all({ service }).map(read),
    get,
    add: (row) => database.transaction(() => add(row)),
    remove(host, path = '/') {
      sql.remove.run({ host, path });
    },
    declare(service, domains) {
      const names = domains.map((domain) => readDomain(domain) ?? { host: domain, path: '/' });
      database.transaction(() => {
        sql.undeclare.run({ service, names: JSON.stringify(names.map(({ host, path }) => `${host}${path}`)) });
        for (const { host, path } of names) add({ host, path, service, source: 'declared' });
      });
    },
  };
}

function statements(database: Database) {
  return {
    all: database.prepare('SELECT * FROM domains ORDER BY host, path'),
    of: database.prepare('SELECT * FROM domains WHERE service = $service ORDER BY host, path'),
    get: database.prepare('SELECT * FROM domains WHERE host = $host AND path = $path'),
    byDefault: database.prepare('SELECT id FROM services WHERE host = $host'),
    /** A host that was added by command stays added: the person who asked for it wants it whatever the file says. */
    add: database.prepare(`
      INSERT INTO domains (host, path, service, source) VALUES ($host, $path, $service, $source)
      ON CONFLICT (host, path) DO UPDATE SET source = excluded.source WHERE source = 'declared'`),
    remove: database.prepare('DELETE FROM domains WHERE host = $host AND path = $path'),
    undeclare: database.prepare(`
      DELETE FROM domains WHERE service = $service AND source = 'declared' AND host || path NOT IN (SELECT value FROM json_each($names))`),
  };
}

function taken(row: DomainRow, holder: string): KapalError {
  return new KapalError(
    'domain_taken',
    `${domainText(row)} cannot be given to ${row.service}: ${holder} answers there`,
    {
      hint: `Take it from ${holder} first, or choose another host name.`,
    },
  );
}

function read(row: Row): DomainRow {
  return {
    host: text(row, 'host'),
    path: text(row, 'path'),
    service: text(row, 'service') as ServiceId,
    source: oneOf(row, 'source', ['declared', 'added']),
  };
}
