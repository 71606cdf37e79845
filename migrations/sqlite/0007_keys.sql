-- Data keys: what records are sealed with, wrapped by the key of a retention bucket (docs/formats/keyring.md).
-- Records name theirs by id.
CREATE TABLE data_key (
  id      BLOB    NOT NULL PRIMARY KEY, -- 16 bytes, ULID
  tenant  TEXT    NOT NULL,
  bucket  TEXT    NOT NULL,             -- "consultation/2036-11", "hold/case-7"
  version INTEGER NOT NULL,             -- of the bucket's key
  wrapped BLOB    NOT NULL,             -- 56 bytes
  shared  INTEGER NOT NULL              -- 1: of many small rows, one for each bucket
) WITHOUT ROWID;
CREATE UNIQUE INDEX data_key_shared ON data_key (tenant, bucket) WHERE shared = 1;

-- Versions of buckets' keys below these are about to go or gone: no data key may be wrapped by them any more.
CREATE TABLE bucket_floor (
  tenant  TEXT    NOT NULL,
  bucket  TEXT    NOT NULL,
  version INTEGER NOT NULL,
  PRIMARY KEY (tenant, bucket)
) WITHOUT ROWID;

-- Data keys that a legal hold has taken out of their bucket.
CREATE TABLE hold (
  tenant    TEXT    NOT NULL,
  data_key  BLOB    NOT NULL,
  hold_case TEXT    NOT NULL,
  object    TEXT    NOT NULL, -- what was held: "instance:01K..."
  bucket    TEXT    NOT NULL, -- where it was, and goes back to
  held_ms   INTEGER NOT NULL,
  PRIMARY KEY (tenant, data_key)
) WITHOUT ROWID;

-- A rewrapping that is under way: where it has come to.
CREATE TABLE key_task (
  tenant     TEXT    NOT NULL PRIMARY KEY,
  cursor     BLOB    NOT NULL, -- the last id that was looked at
  forget     INTEGER NOT NULL, -- 1: then the old versions of the buckets' keys go
  actor      TEXT    NOT NULL,
  reason     TEXT    NOT NULL,
  started_ms INTEGER NOT NULL,
  rewrapped  INTEGER NOT NULL
) WITHOUT ROWID;
