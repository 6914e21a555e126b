-- Logs. Moments are milliseconds since the epoch.

-- One row: the next sequence number. Numbers are never given twice, whatever was deleted: they are the cursors of readers.
CREATE TABLE cursor (
  next INTEGER NOT NULL
) STRICT;

INSERT INTO cursor (next) VALUES (1);

-- `bytes` is what the quota counts: the text of its lines and a constant for each.
CREATE TABLE services (
  id    INTEGER PRIMARY KEY,
  name  TEXT NOT NULL UNIQUE,
  bytes INTEGER NOT NULL
) STRICT;

-- Where lines come from; `first` and `last` bound their sequence numbers.
CREATE TABLE origins (
  id       INTEGER PRIMARY KEY,
  service  INTEGER NOT NULL,
  kind     TEXT NOT NULL,
  run      TEXT NOT NULL,
  instance TEXT,
  release  INTEGER,
  first    INTEGER NOT NULL,
  last     INTEGER NOT NULL
) STRICT;

CREATE UNIQUE INDEX origins_once ON origins (service, run, kind, ifnull(instance, ''), ifnull(release, -1));
CREATE INDEX origins_of_run ON origins (run);

CREATE TABLE lines (
  sequence INTEGER PRIMARY KEY,
  time     INTEGER NOT NULL,
  service  INTEGER NOT NULL,
  origin   INTEGER NOT NULL,
  text     TEXT NOT NULL
) STRICT;

CREATE INDEX lines_of_service ON lines (service);

-- How far each run's output was read, and how many bytes of that were lost; changed in the transaction that stores the lines.
CREATE TABLE files (
  run       TEXT PRIMARY KEY,
  offset    INTEGER NOT NULL,
  position  TEXT NOT NULL,
  dropped   INTEGER NOT NULL DEFAULT 0,
  closed_at INTEGER
) STRICT, WITHOUT ROWID;
