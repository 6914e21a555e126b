-- A service answers at a host, or at a path of one: several services may share a host.
CREATE TABLE domains_with_paths (
  host    TEXT NOT NULL,
  path    TEXT NOT NULL,
  service TEXT NOT NULL REFERENCES services (id) ON DELETE CASCADE,
  source  TEXT NOT NULL,
  PRIMARY KEY (host, path)
) STRICT, WITHOUT ROWID;

INSERT INTO domains_with_paths (host, path, service, source) SELECT host, '/', service, source FROM domains;
DROP TABLE domains;
ALTER TABLE domains_with_paths RENAME TO domains;
CREATE INDEX domains_of_service ON domains (service);

-- One for each host at most. It outlives its domain for a while: who adds the domain again needs no new order.
CREATE TABLE certificates (
  host       TEXT PRIMARY KEY,
  source     TEXT NOT NULL,
  digest     TEXT NOT NULL,
  authority  TEXT,
  chain      TEXT NOT NULL,
  sealed_key TEXT NOT NULL,
  names      TEXT NOT NULL,
  issuer     TEXT NOT NULL,
  not_before INTEGER NOT NULL,
  not_after  INTEGER NOT NULL,
  trusted    INTEGER NOT NULL,
  superseded INTEGER NOT NULL,
  warned_at  INTEGER
) STRICT, WITHOUT ROWID;

-- The way to the next certificate of a host: the intent stands before the authority is asked, the key before it is certified.
CREATE TABLE certificate_orders (
  host       TEXT PRIMARY KEY,
  state      TEXT NOT NULL,
  url        TEXT,
  sealed_key TEXT,
  failures   INTEGER NOT NULL,
  next_at    INTEGER NOT NULL,
  problem    TEXT
) STRICT, WITHOUT ROWID;

-- Accounts at authorities, by directory.
CREATE TABLE certificate_accounts (
  directory  TEXT PRIMARY KEY,
  email      TEXT NOT NULL,
  url        TEXT,
  sealed_key TEXT NOT NULL,
  failures   INTEGER NOT NULL,
  next_at    INTEGER NOT NULL,
  problem    TEXT
) STRICT, WITHOUT ROWID;
