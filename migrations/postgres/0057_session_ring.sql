-- Doctors who were rung for an emergency, one after the other. No patient data.
CREATE TABLE session_ring (
  tenant TEXT COLLATE "C" NOT NULL,
  session TEXT COLLATE "C" NOT NULL,
  n BIGINT NOT NULL, -- from 1
  person TEXT COLLATE "C" NOT NULL, -- ULID of the doctor
  at_ms BIGINT NOT NULL,
  outcome TEXT COLLATE "C" NOT NULL, -- rings, unanswered, taken, over
  PRIMARY KEY (tenant, session, n)
);
CREATE INDEX session_ring_now ON session_ring (tenant, person, at_ms) WHERE outcome = 'rings';
