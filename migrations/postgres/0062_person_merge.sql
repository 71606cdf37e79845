-- Two records that are one patient: a pointer from one to the other, which can be undone. No patient data outside of
-- `sealed`.
CREATE TABLE person_merge (
  tenant TEXT COLLATE "C" NOT NULL,
  id TEXT COLLATE "C" NOT NULL, -- ULID
  merged TEXT COLLATE "C" NOT NULL, -- person's ULID, as in the next one
  survivor TEXT COLLATE "C" NOT NULL,
  state TEXT COLLATE "C" NOT NULL, -- waiting, in_force, undone
  by_actor TEXT COLLATE "C" NOT NULL, -- as the audit log has it
  asked_ms BIGINT NOT NULL,
  since_ms BIGINT,          -- NULL: it was never in force
  sealed BYTEA NOT NULL, -- {reason, undone, undoneBy}, under the data key of `merged`
  PRIMARY KEY (tenant, id)
);
CREATE UNIQUE INDEX person_merge_merged ON person_merge (tenant, merged) WHERE state <> 'undone';
CREATE INDEX person_merge_survivor ON person_merge (tenant, survivor) WHERE state <> 'undone';
CREATE INDEX person_merge_waiting ON person_merge (tenant, id) WHERE state = 'waiting';
