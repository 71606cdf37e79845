-- Deliveries that came to nothing, for whoever runs the hub.
CREATE TABLE delivery_outcome (
  id       INTEGER PRIMARY KEY,
  tenant   TEXT    NOT NULL,
  source   TEXT    NOT NULL,
  outcome  TEXT    NOT NULL, -- signature, unreadable, not_taken, unused
  at_ms    INTEGER NOT NULL,
  client   TEXT    NOT NULL, -- address
  request  TEXT    NOT NULL, -- X-Request-Id, or empty
  code     TEXT    NOT NULL,
  reason   TEXT    NOT NULL, -- for the operator
  length   INTEGER NOT NULL, -- bytes of the body
  uid      BLOB    NOT NULL,
  data_key BLOB    NOT NULL, -- data_key.id, or empty when no body is kept
  sealed   BLOB    NOT NULL  -- the body, of `unreadable` only
);
CREATE INDEX delivery_outcome_source ON delivery_outcome (tenant, source, id);
CREATE INDEX delivery_outcome_body ON delivery_outcome (at_ms) WHERE data_key != x'';

-- How many there were, also of those whose rows have gone.
CREATE TABLE delivery_outcome_total (
  tenant  TEXT    NOT NULL,
  source  TEXT    NOT NULL,
  outcome TEXT    NOT NULL,
  total   INTEGER NOT NULL,
  PRIMARY KEY (tenant, source, outcome)
) WITHOUT ROWID;
