import { flag, integer, integerOrNull, json, oneOf, type Row, text, textOrNull, toJson } from './columns.ts';
import type { Database } from './database.ts';
import type { CertificateAccountRow, CertificateOrderRow, CertificateRow } from './records.ts';
import { isNames } from './shapes.ts';
import type { Certificates } from './store.ts';

export function openCertificates(database: Database): Certificates {
  const sql = statements(database);
  const one = <T>(row: Row | undefined, read: (row: Row) => T): T | null => (row === undefined ? null : read(row));
  return {
    all: () => sql.all.all().map(readCertificate),
    get: (host) => one(sql.get.get({ host }), readCertificate),
    put(row) {
      database.transaction(() => {
        sql.put.run(certificateColumns(row));
        sql.removeOrder.run({ host: row.host });
      });
    },
    remove(host) {
      sql.remove.run({ host });
    },
    orders: () => sql.orders.all().map(readOrder),
    order: (host) => one(sql.order.get({ host }), readOrder),
    putOrder({ host, state, url, sealedKey, failures, nextAt, problem }) {
      sql.putOrder.run({ host, state, url, sealed_key: sealedKey, failures, next_at: nextAt, problem });
    },
    removeOrder(host) {
      sql.removeOrder.run({ host });
    },
    account: (directory) => one(sql.account.get({ directory }), readAccount),
    putAccount({ directory, email, url, sealedKey, failures, nextAt, problem }) {
      sql.putAccount.run({ directory, email, url, sealed_key: sealedKey, failures, next_at: nextAt, problem });
    },
  };
}

function statements(database: Database) {
  return {
    all: database.prepare('SELECT * FROM certificates ORDER BY host'),
    get: database.prepare('SELECT * FROM certificates WHERE host = $host'),
    put: database.prepare(`
      INSERT OR REPLACE INTO certificates
        (host, source, digest, authority, chain, sealed_key, names, issuer, not_before, not_after, trusted, superseded, warned_at)
      VALUES ($host, $source, $digest, $authority, $chain, $sealed_key, $names, $issuer, $not_before, $not_after, $trusted, $superseded, $warned_at)`),
    remove: database.prepare('DELETE FROM certificates WHERE host = $host'),
    orders: database.prepare('SELECT * FROM certificate_orders ORDER BY host'),
    order: database.prepare('SELECT * FROM certificate_orders WHERE host = $host'),
    putOrder: database.prepare(`
      INSERT OR REPLACE INTO certificate_orders (host, state, url, sealed_key, failures, next_at, problem)
      VALUES ($host, $state, $url, $sealed_key, $failures, $next_at, $problem)`),
    removeOrder: database.prepare('DELETE FROM certificate_orders WHERE host = $host'),
    account: database.prepare('SELECT * FROM certificate_accounts WHERE directory = $directory'),
    putAccount: database.prepare(`
      INSERT OR REPLACE INTO certificate_accounts (directory, email, url, sealed_key, failures, next_at, problem)
      VALUES ($directory, $email, $url, $sealed_key, $failures, $next_at, $problem)`),
  };
}

function certificateColumns(row: CertificateRow) {
  const { host, source, digest, authority, chain, issuer } = row;
  return {
    host,
    source,
    digest,
    authority,
    chain,
    issuer,
    sealed_key: row.sealedKey,
    names: toJson(row.names),
    not_before: row.notBefore,
    not_after: row.notAfter,
    trusted: Number(row.trusted),
    superseded: Number(row.superseded),
    warned_at: row.warnedAt,
  };
}

function readCertificate(row: Row): CertificateRow {
  return {
    host: text(row, 'host'),
    source: oneOf(row, 'source', ['acme', 'own', 'local']),
    digest: text(row, 'digest'),
    authority: textOrNull(row, 'authority'),
    chain: text(row, 'chain'),
    sealedKey: text(row, 'sealed_key'),
    names: json(row, 'names', isNames),
    issuer: text(row, 'issuer'),
    notBefore: integer(row, 'not_before'),
    notAfter: integer(row, 'not_after'),
    trusted: flag(row, 'trusted'),
    superseded: flag(row, 'superseded'),
    warnedAt: integerOrNull(row, 'warned_at'),
  };
}

function readOrder(row: Row): CertificateOrderRow {
  return {
    host: text(row, 'host'),
    state: oneOf(row, 'state', ['waiting', 'asking', 'placed']),
    url: textOrNull(row, 'url'),
    sealedKey: textOrNull(row, 'sealed_key'),
    failures: integer(row, 'failures'),
    nextAt: integer(row, 'next_at'),
    problem: textOrNull(row, 'problem'),
  };
}

function readAccount(row: Row): CertificateAccountRow {
  return {
    directory: text(row, 'directory'),
    email: text(row, 'email'),
    url: textOrNull(row, 'url'),
    sealedKey: text(row, 'sealed_key'),
    failures: integer(row, 'failures'),
    nextAt: integer(row, 'next_at'),
    problem: textOrNull(row, 'problem'),
  };
}
