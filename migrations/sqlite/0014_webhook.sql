-- Who is told of events over HTTP, and what is to be told. No patient data: the body of a delivery holds ids,
-- codes and pseudonyms.
CREATE TABLE webhook (
  tenant     TEXT    NOT NULL,
  id         TEXT    NOT NULL, -- ULID
  name       TEXT    NOT NULL,
  origin     TEXT    NOT NULL, -- api, configuration
  url        TEXT    NOT NULL,
  wants      TEXT    NOT NULL, -- JSON: webhooks::Wants
  state      TEXT    NOT NULL, -- active; paused: by an administrator; gone: the receiver answered 410; removed: from the configuration
  version    INTEGER NOT NULL,
  created_ms INTEGER NOT NULL,
  updated_ms INTEGER NOT NULL,
  data_key   BLOB    NOT NULL, -- data_key.id, or empty when the secrets stand outside
  sealed     BLOB    NOT NULL, -- secrets, or empty
  PRIMARY KEY (tenant, id)
) WITHOUT ROWID;
CREATE UNIQUE INDEX webhook_name ON webhook (tenant, name);

-- One event for one webhook.
CREATE TABLE webhook_delivery (
  tenant     TEXT    NOT NULL,
  id         TEXT    NOT NULL, -- ULID
  webhook    TEXT    NOT NULL,
  event      TEXT    NOT NULL, -- the event's id, which is sent as webhook-id
  type       TEXT    NOT NULL, -- the event's
  body       TEXT    NOT NULL, -- as it is sent
  state      TEXT    NOT NULL, -- open, done, dead
  attempts   INTEGER NOT NULL,
  created_ms INTEGER NOT NULL,
  opened_ms  INTEGER NOT NULL, -- when it was made or replayed
  due_ms     INTEGER NOT NULL,
  tried_ms   INTEGER,
  status     INTEGER NOT NULL, -- of the last answer, or 0
  code       TEXT    NOT NULL, -- of the last failure, or empty
  PRIMARY KEY (tenant, id)
) WITHOUT ROWID;
CREATE UNIQUE INDEX webhook_delivery_event ON webhook_delivery (tenant, webhook, event);
CREATE INDEX webhook_delivery_due ON webhook_delivery (tenant, webhook, due_ms) WHERE state = 'open';
CREATE INDEX webhook_delivery_state ON webhook_delivery (tenant, webhook, state, id);
CREATE INDEX webhook_delivery_opened ON webhook_delivery (state, opened_ms);

-- Events of the hub that belong to no session: the outbox of what workflows, listeners and webhooks are told.
-- No patient data.
CREATE TABLE hub_event (
  tenant TEXT    NOT NULL,
  id     TEXT    NOT NULL, -- ULID
  type   TEXT    NOT NULL, -- without the prefix
  at_ms  INTEGER NOT NULL,
  data   TEXT    NOT NULL, -- JSON
  sent   INTEGER NOT NULL, -- 1: all have it
  PRIMARY KEY (tenant, id)
) WITHOUT ROWID;
CREATE INDEX hub_event_unsent ON hub_event (at_ms) WHERE sent = 0;
CREATE INDEX hub_event_type ON hub_event (tenant, type, id);
