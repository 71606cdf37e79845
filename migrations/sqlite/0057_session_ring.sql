-- Doctors who were rung for an emergency, one after the other. No patient data.
CREATE TABLE session_ring (
  tenant  TEXT    NOT NULL,
  session TEXT    NOT NULL,
  n       INTEGER NOT NULL, -- from 1
  person  TEXT    NOT NULL, -- ULID of the doctor
  at_ms   INTEGER NOT NULL,
  outcome TEXT    NOT NULL, -- rings, unanswered, taken, over
  PRIMARY KEY (tenant, session, n)
) WITHOUT ROWID;
CREATE INDEX session_ring_now ON session_ring (tenant, person, at_ms) WHERE outcome = 'rings';
