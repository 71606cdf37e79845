-- What is wrong with the hub and its surroundings, one row a cause. No patient data: an object is a name of the
-- configuration.
CREATE TABLE alert (
  tenant TEXT COLLATE "C" NOT NULL,
  id TEXT COLLATE "C" NOT NULL, -- ULID
  rule TEXT COLLATE "C" NOT NULL,
  object TEXT COLLATE "C" NOT NULL, -- or empty
  severity TEXT COLLATE "C" NOT NULL, -- warn, page
  value BIGINT NOT NULL,
  worst BIGINT NOT NULL,
  opened_ms BIGINT NOT NULL,
  last_ms BIGINT NOT NULL, -- when it was bad last
  count BIGINT NOT NULL, -- how often it became bad
  told_ms BIGINT, -- NULL: not told yet
  told_severity TEXT COLLATE "C" NOT NULL,
  closed_ms BIGINT, -- NULL: open
  over BIGINT NOT NULL, -- 1: nothing is told of it any more
  acked_by TEXT COLLATE "C" NOT NULL, -- or empty
  acked_ms BIGINT,
  data_key BYTEA NOT NULL, -- data_key.id, or empty when there is no note
  sealed BYTEA NOT NULL, -- note of whoever acknowledged it
  PRIMARY KEY (tenant, id)
);
CREATE UNIQUE INDEX alert_open ON alert (tenant, rule, object) WHERE closed_ms IS NULL;
CREATE INDEX alert_living ON alert (tenant, id) WHERE over = 0;
CREATE INDEX alert_rule ON alert (tenant, rule, id);
CREATE INDEX alert_closed ON alert (closed_ms) WHERE over = 1;

-- What people are told of alerts, once for each address.
CREATE TABLE alert_telling (
  tenant TEXT COLLATE "C" NOT NULL,
  id TEXT COLLATE "C" NOT NULL, -- ULID, the same for all addresses
  way TEXT COLLATE "C" NOT NULL, -- mail, sms, webhook
  target BIGINT NOT NULL, -- place of the address in the configuration
  facts TEXT COLLATE "C" NOT NULL, -- JSON: alerts::Facts
  state TEXT COLLATE "C" NOT NULL, -- open, done, dead
  attempts BIGINT NOT NULL,
  at_ms BIGINT NOT NULL,
  due_ms BIGINT NOT NULL,
  code TEXT COLLATE "C" NOT NULL, -- of the last failure, or empty
  PRIMARY KEY (tenant, id, way, target)
);
CREATE INDEX alert_telling_open ON alert_telling (tenant, id) WHERE state = 'open';
CREATE INDEX alert_telling_at ON alert_telling (at_ms);

-- What somebody does not want to be told of for a while.
CREATE TABLE alert_snooze (
  tenant TEXT COLLATE "C" NOT NULL,
  rule TEXT COLLATE "C" NOT NULL,
  object TEXT COLLATE "C" NOT NULL, -- or empty: all objects of the rule
  until_ms BIGINT NOT NULL,
  PRIMARY KEY (tenant, rule, object)
);
