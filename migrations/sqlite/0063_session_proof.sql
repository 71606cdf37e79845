-- Second proofs of links that were opened before: the code of now, and wrong tries.
CREATE TABLE session_proof (
  tenant     TEXT    NOT NULL,
  invitation TEXT    NOT NULL,
  generation INTEGER NOT NULL, -- of the invitation; a row of an older one counts as none
  code       BLOB    NOT NULL, -- blind index, or empty
  expires_ms INTEGER NOT NULL,
  sent_ms    INTEGER NOT NULL,
  sent       INTEGER NOT NULL, -- codes of this generation
  tries      INTEGER NOT NULL, -- wrong ones
  PRIMARY KEY (tenant, invitation)
) WITHOUT ROWID;
