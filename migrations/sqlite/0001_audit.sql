-- The audit log: docs/formats/audit_log.md. Rows are only ever added.
CREATE TABLE audit (
  seq       INTEGER PRIMARY KEY, -- the position in the tree: dense, from 1
  stream    INTEGER NOT NULL,    -- this and the next six are copies out of the content, for look-up
  n         INTEGER NOT NULL,    -- the number in the stream: dense, from 1
  at_ms     INTEGER NOT NULL,
  tenant    TEXT    NOT NULL,
  act       TEXT    NOT NULL,
  object    TEXT    NOT NULL,
  patient   TEXT    NOT NULL,
  canonical BLOB    NOT NULL,    -- the content
  leaf      BLOB    NOT NULL,    -- SHA-256(0x00 | canonical)
  mac       BLOB    NOT NULL     -- keyed chain over the leaves
);

-- Where to look: a row for each full tile of level 0, made with it. An index on each entry would cost more than the
-- entry.
CREATE TABLE audit_find (
  tile    INTEGER PRIMARY KEY, -- audit_tile.number
  from_ms INTEGER NOT NULL,    -- the least at_ms of its entries
  to_ms   INTEGER NOT NULL,    -- the greatest
  keys    BLOB    NOT NULL,    -- of its objects and patients, 4 bytes each, ascending
  mac     BLOB    NOT NULL     -- over the row: a search believes no other
);

-- Full tiles of the tree, 256 hashes each (C2SP tlog-tiles).
CREATE TABLE audit_tile (
  level  INTEGER NOT NULL,
  number INTEGER NOT NULL,
  root   BLOB    NOT NULL, -- of its 256 hashes: one hash of the level above
  hashes BLOB    NOT NULL,
  PRIMARY KEY (level, number)
);

-- What was signed.
CREATE TABLE audit_checkpoint (
  number INTEGER PRIMARY KEY, -- dense, from 1
  size   INTEGER NOT NULL,    -- as in note, for look-up
  note   TEXT    NOT NULL,    -- C2SP tlog-checkpoint
  mac    BLOB    NOT NULL
);
CREATE INDEX audit_checkpoint_size ON audit_checkpoint (size);
