-- The audit log: docs/formats/audit_log.md. Rows are only ever added.
CREATE TABLE audit (
  seq       INTEGER PRIMARY KEY, -- dense, from 1
  at_ms     INTEGER NOT NULL,
  tenant    TEXT    NOT NULL,
  canonical BLOB    NOT NULL,
  leaf      BLOB    NOT NULL,    -- SHA-256 of canonical
  hash      BLOB    NOT NULL     -- SHA-256 of the previous hash, seq, at_ms, leaf
);
