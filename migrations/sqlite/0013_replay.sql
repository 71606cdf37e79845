-- Answers to calls that named an Idempotency-Key: the same call again gets the same answer.
CREATE TABLE replay (
  tenant      TEXT    NOT NULL,
  key         BLOB    NOT NULL, -- keyed hash of caller, operation and key
  fingerprint BLOB    NOT NULL, -- keyed hash of what was asked
  status      INTEGER NOT NULL, -- of the answer; 0 while the call runs
  data_key    BLOB    NOT NULL, -- data_key.id, or empty while the call runs
  sealed      BLOB    NOT NULL, -- headers and body
  expires_ms  INTEGER NOT NULL,
  PRIMARY KEY (tenant, key)
) WITHOUT ROWID;
CREATE INDEX replay_expires ON replay (expires_ms);
