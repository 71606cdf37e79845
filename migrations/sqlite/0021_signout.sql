-- Tokens of issuers with which nobody gets in any more, though they have not run out: their owner
-- has signed out. Kept as long as such a token may live.
CREATE TABLE ended_token (
  tenant    TEXT    NOT NULL,
  value     TEXT    NOT NULL, -- "token:<digest of what was signed>", or "person:<id>" for all his
  before_ms INTEGER NOT NULL, -- of a person: those issued before; 0 for one token
  ends_ms   INTEGER NOT NULL,
  PRIMARY KEY (tenant, value)
) WITHOUT ROWID;
CREATE INDEX ended_token_ends ON ended_token (ends_ms);
