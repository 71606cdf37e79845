-- The audit log: docs/formats/audit_log.md. Rows are only ever added.
CREATE TABLE audit (
  seq       INTEGER PRIMARY KEY, -- dense, from 1
  at_ms     INTEGER NOT NULL,    -- this and the next four: of the content, for look-up
  tenant    TEXT    NOT NULL,
  act       TEXT    NOT NULL,
  object    TEXT    NOT NULL,
  patient   TEXT    NOT NULL,
  canonical BLOB    NOT NULL,
  leaf      BLOB    NOT NULL,    -- SHA-256 of canonical
  hash      BLOB    NOT NULL     -- SHA-256 of the previous hash, seq, at_ms, leaf
);
CREATE INDEX audit_time ON audit (at_ms);
CREATE INDEX audit_object ON audit (object) WHERE object <> '';
CREATE INDEX audit_patient ON audit (patient) WHERE patient <> '';
