-- The record. Moments are milliseconds since the epoch; JSON columns hold what is never searched by.

CREATE TABLE facts (
  key   TEXT PRIMARY KEY,
  value TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE services (
  id           TEXT PRIMARY KEY,
  spec         TEXT NOT NULL,
  current      INTEGER,
  next_release INTEGER NOT NULL,
  scale        INTEGER,
  stopped      INTEGER NOT NULL,
  removing     INTEGER NOT NULL,
  host         TEXT UNIQUE,
  private_port INTEGER UNIQUE,
  created_at   INTEGER NOT NULL
) STRICT;

CREATE TABLE releases (
  service     TEXT NOT NULL REFERENCES services (id) ON DELETE CASCADE,
  number      INTEGER NOT NULL,
  spec        TEXT NOT NULL,
  source      TEXT,
  artifact    TEXT,
  fingerprint TEXT NOT NULL,
  environment TEXT NOT NULL,
  cause       TEXT NOT NULL,
  status      TEXT NOT NULL,
  error       TEXT,
  created_at  INTEGER NOT NULL,
  pruned      INTEGER NOT NULL,
  PRIMARY KEY (service, number)
) STRICT;

CREATE TABLE rollouts (
  id            TEXT PRIMARY KEY,
  service       TEXT NOT NULL REFERENCES services (id) ON DELETE CASCADE,
  operation     TEXT,
  from_release  INTEGER,
  to_release    INTEGER NOT NULL,
  phase         TEXT NOT NULL,
  since         INTEGER NOT NULL,
  prepare       TEXT NOT NULL,
  cancel        TEXT NOT NULL,
  failure       TEXT,
  started_at    INTEGER NOT NULL,
  promoted_at   INTEGER,
  finished_at   INTEGER,
  outcome       TEXT,
  error         TEXT,
  prepare_run   TEXT
) STRICT;

CREATE INDEX rollouts_of_service ON rollouts (service);
CREATE UNIQUE INDEX rollouts_one_active ON rollouts (service) WHERE finished_at IS NULL;

CREATE TABLE instances (
  id          TEXT PRIMARY KEY,
  service     TEXT NOT NULL REFERENCES services (id) ON DELETE CASCADE,
  release     INTEGER NOT NULL,
  state       TEXT NOT NULL,
  since       INTEGER NOT NULL,
  attempt     INTEGER NOT NULL,
  started_at  INTEGER NOT NULL,
  quick_exits INTEGER NOT NULL,
  retry_at    INTEGER,
  handle      TEXT,
  port        INTEGER,
  last_exit   TEXT,
  created_at  INTEGER NOT NULL
) STRICT;

CREATE INDEX instances_of_service ON instances (service, created_at);

CREATE TABLE operations (
  id              TEXT PRIMARY KEY,
  kind            TEXT NOT NULL,
  project         TEXT NOT NULL,
  environment     TEXT NOT NULL,
  request         TEXT NOT NULL,
  state           TEXT NOT NULL,
  error           TEXT,
  created_at      INTEGER NOT NULL,
  finished_at     INTEGER,
  idempotency_key TEXT UNIQUE
) STRICT;

CREATE INDEX operations_running ON operations (created_at) WHERE state = 'running';
CREATE INDEX operations_finished ON operations (finished_at) WHERE state = 'finished';

-- A task may come before its service's row, so its service is no foreign key.
CREATE TABLE tasks (
  operation TEXT NOT NULL REFERENCES operations (id) ON DELETE CASCADE,
  service   TEXT NOT NULL,
  stage     TEXT NOT NULL,
  artifact  TEXT,
  build_run TEXT,
  release   INTEGER,
  outcome   TEXT,
  error     TEXT,
  times     TEXT NOT NULL,
  cancel    TEXT NOT NULL,
  PRIMARY KEY (operation, service)
) STRICT;

CREATE INDEX tasks_open ON tasks (service) WHERE stage <> 'finished';

-- Values may be set before their owner exists, so the owner is no foreign key.
CREATE TABLE variables (
  owner  TEXT NOT NULL,
  key    TEXT NOT NULL,
  sealed TEXT NOT NULL,
  source TEXT NOT NULL,
  PRIMARY KEY (owner, key)
) STRICT, WITHOUT ROWID;

CREATE TABLE domains (
  host    TEXT PRIMARY KEY,
  service TEXT NOT NULL REFERENCES services (id) ON DELETE CASCADE,
  source  TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE INDEX domains_of_service ON domains (service);

-- AUTOINCREMENT: a sequence number is never given twice, whatever was trimmed; it is the cursor of readers.
CREATE TABLE events (
  sequence INTEGER PRIMARY KEY AUTOINCREMENT,
  time     INTEGER NOT NULL,
  kind     TEXT NOT NULL,
  service  TEXT,
  project  TEXT,
  message  TEXT NOT NULL
) STRICT;
