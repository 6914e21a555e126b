-- Repositories that are pushed to, by project. The folder of each is derived from its project's name.
CREATE TABLE repositories (
  project        TEXT PRIMARY KEY,
  branch         TEXT,
  require_deploy INTEGER NOT NULL,
  tip            TEXT,
  deployed       TEXT,
  operation      TEXT,
  created_at     INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- Remotes that call when they are pushed to, or are asked by the clock. Who cannot be asked now is due later.
CREATE TABLE hooks (
  id          TEXT PRIMARY KEY,
  project     TEXT NOT NULL,
  environment TEXT NOT NULL,
  provider    TEXT NOT NULL,
  url         TEXT NOT NULL,
  branch      TEXT,
  poll        INTEGER,
  sealed      TEXT NOT NULL,
  public_key  TEXT,
  due_at      INTEGER,
  seen        TEXT,
  failures    INTEGER NOT NULL,
  problem     TEXT,
  created_at  INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- Deliveries that were taken, by their own id and by what they said: none is taken twice.
CREATE TABLE hook_deliveries (
  hook     TEXT NOT NULL REFERENCES hooks (id) ON DELETE CASCADE,
  delivery TEXT NOT NULL,
  at       INTEGER NOT NULL,
  PRIMARY KEY (hook, delivery)
) STRICT, WITHOUT ROWID;
