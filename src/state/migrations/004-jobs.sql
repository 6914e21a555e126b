-- A command that runs once in a release: a slot of a cron, a command that was asked for, a hook. The row stands before its run is started.
CREATE TABLE jobs (
  id         TEXT PRIMARY KEY,
  service    TEXT NOT NULL REFERENCES services (id) ON DELETE CASCADE,
  release    INTEGER NOT NULL,
  cause      TEXT NOT NULL,
  slot       INTEGER,
  state      TEXT NOT NULL,
  command    TEXT,
  attached   INTEGER NOT NULL,
  timeout    INTEGER,
  ending     TEXT,
  handle     TEXT,
  created_at INTEGER NOT NULL,
  started_at INTEGER,
  ended_at   INTEGER,
  exit       TEXT,
  result     TEXT
) STRICT;

CREATE INDEX jobs_of_service ON jobs (service, created_at);
CREATE INDEX jobs_open ON jobs (service) WHERE state <> 'ended';

-- Slots that have had their job. It outlives the job's row, which is one of a bounded history: a clock that is set back brings the slot again.
CREATE TABLE job_slots (
  service TEXT NOT NULL REFERENCES services (id) ON DELETE CASCADE,
  slot    INTEGER NOT NULL,
  PRIMARY KEY (service, slot)
) STRICT, WITHOUT ROWID;

-- Up to where the slots of a schedule are decided. Another schedule counts from when it came into force.
CREATE TABLE schedules (
  service    TEXT PRIMARY KEY REFERENCES services (id) ON DELETE CASCADE,
  expression TEXT NOT NULL,
  time_zone  TEXT NOT NULL,
  cursor     INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
