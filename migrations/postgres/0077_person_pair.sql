-- Two records that may be one patient, and what a person decided. No patient data: the reasons name members alone.
CREATE TABLE person_pair (
  tenant TEXT COLLATE "C" NOT NULL,
  newer TEXT COLLATE "C" NOT NULL, -- person's ULID, as in the next one; the record that was entered later
  older TEXT COLLATE "C" NOT NULL,
  reasons TEXT COLLATE "C" NOT NULL, -- kinds of person_alias that both have, with a space between two
  rank BIGINT NOT NULL, -- 1: an identifier, or two reasons and more; shown before those of 0
  state TEXT COLLATE "C" NOT NULL, -- open; apart: two people, and nobody is asked again
  by_actor TEXT COLLATE "C" NOT NULL, -- as the audit log has it; empty while the pair is open
  decided_ms BIGINT,
  PRIMARY KEY (tenant, newer, older)
);
CREATE INDEX person_pair_open ON person_pair (tenant, rank, newer, older) WHERE state = 'open';
CREATE INDEX person_pair_older ON person_pair (tenant, older);
-- Records from before are compared by the hub, some at a time: what they are compared by lies sealed.
ALTER TABLE person ADD COLUMN compared BIGINT NOT NULL DEFAULT 0;
CREATE INDEX person_uncompared ON person (tenant, id) WHERE compared = 0;
