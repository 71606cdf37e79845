-- Second proofs of links that were opened before: the code of now, and wrong tries.
CREATE TABLE session_proof (
  tenant TEXT COLLATE "C" NOT NULL,
  invitation TEXT COLLATE "C" NOT NULL,
  generation BIGINT NOT NULL, -- of the invitation; a row of an older one counts as none
  code BYTEA NOT NULL, -- blind index, or empty
  expires_ms BIGINT NOT NULL,
  sent_ms BIGINT NOT NULL,
  sent BIGINT NOT NULL, -- codes of this generation
  tries BIGINT NOT NULL, -- wrong ones
  PRIMARY KEY (tenant, invitation)
);
