-- What is wrong with the hub and its surroundings, one row a cause. No patient data: an object is a name of the
-- configuration.
CREATE TABLE alert (
  tenant        TEXT    NOT NULL,
  id            TEXT    NOT NULL, -- ULID
  rule          TEXT    NOT NULL,
  object        TEXT    NOT NULL, -- or empty
  severity      TEXT    NOT NULL, -- warn, page
  value         INTEGER NOT NULL,
  worst         INTEGER NOT NULL,
  opened_ms     INTEGER NOT NULL,
  last_ms       INTEGER NOT NULL, -- when it was bad last
  count         INTEGER NOT NULL, -- how often it became bad
  told_ms       INTEGER,          -- NULL: not told yet
  told_severity TEXT    NOT NULL,
  closed_ms     INTEGER,          -- NULL: open
  over          INTEGER NOT NULL, -- 1: nothing is told of it any more
  acked_by      TEXT    NOT NULL, -- or empty
  acked_ms      INTEGER,
  data_key      BLOB    NOT NULL, -- data_key.id, or empty when there is no note
  sealed        BLOB    NOT NULL, -- note of whoever acknowledged it
  PRIMARY KEY (tenant, id)
) WITHOUT ROWID;
CREATE UNIQUE INDEX alert_open ON alert (tenant, rule, object) WHERE closed_ms IS NULL;
CREATE INDEX alert_living ON alert (tenant, id) WHERE over = 0;
CREATE INDEX alert_rule ON alert (tenant, rule, id);
CREATE INDEX alert_closed ON alert (closed_ms) WHERE over = 1;

-- What people are told of alerts, once for each address.
CREATE TABLE alert_telling (
  tenant   TEXT    NOT NULL,
  id       TEXT    NOT NULL, -- ULID, the same for all addresses
  way      TEXT    NOT NULL, -- mail, sms, webhook
  target   INTEGER NOT NULL, -- place of the address in the configuration
  facts    TEXT    NOT NULL, -- JSON: alerts::Facts
  state    TEXT    NOT NULL, -- open, done, dead
  attempts INTEGER NOT NULL,
  at_ms    INTEGER NOT NULL,
  due_ms   INTEGER NOT NULL,
  code     TEXT    NOT NULL, -- of the last failure, or empty
  PRIMARY KEY (tenant, id, way, target)
) WITHOUT ROWID;
CREATE INDEX alert_telling_open ON alert_telling (tenant, id) WHERE state = 'open';
CREATE INDEX alert_telling_at ON alert_telling (at_ms);

-- What somebody does not want to be told of for a while.
CREATE TABLE alert_snooze (
  tenant   TEXT    NOT NULL,
  rule     TEXT    NOT NULL,
  object   TEXT    NOT NULL, -- or empty: all objects of the rule
  until_ms INTEGER NOT NULL,
  PRIMARY KEY (tenant, rule, object)
) WITHOUT ROWID;
