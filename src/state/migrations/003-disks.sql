-- Folders that outlive releases, and the service too: a disk is kept until somebody removes it.
CREATE TABLE disks (
  service    TEXT NOT NULL,
  name       TEXT NOT NULL,
  size       INTEGER NOT NULL,
  made       INTEGER NOT NULL,
  removing   INTEGER NOT NULL,
  used       INTEGER,
  warned     INTEGER NOT NULL,
  created_at INTEGER NOT NULL,
  PRIMARY KEY (service, name)
) STRICT, WITHOUT ROWID;

-- Since when a service with a disk answered nothing, for its next release.
ALTER TABLE rollouts ADD COLUMN vacated_at INTEGER;
