-- Two records that are one patient: a pointer from one to the other, which can be undone. No patient data outside of
-- `sealed`.
CREATE TABLE person_merge (
  tenant   TEXT    NOT NULL,
  id       TEXT    NOT NULL, -- ULID
  merged   TEXT    NOT NULL, -- person's ULID, as in the next one
  survivor TEXT    NOT NULL,
  state    TEXT    NOT NULL, -- waiting, in_force, undone
  by_actor TEXT    NOT NULL, -- as the audit log has it
  asked_ms INTEGER NOT NULL,
  since_ms INTEGER,          -- NULL: it was never in force
  sealed   BLOB    NOT NULL, -- {reason, undone, undoneBy}, under the data key of `merged`
  PRIMARY KEY (tenant, id)
) WITHOUT ROWID;
CREATE UNIQUE INDEX person_merge_merged ON person_merge (tenant, merged) WHERE state <> 'undone';
CREATE INDEX person_merge_survivor ON person_merge (tenant, survivor) WHERE state <> 'undone';
CREATE INDEX person_merge_waiting ON person_merge (tenant, id) WHERE state = 'waiting';
