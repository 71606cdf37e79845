-- Definitions, as deployed. Instances pin the row they started with; a row is never changed but for `active`.
CREATE TABLE definition (
  id          INTEGER PRIMARY KEY,
  tenant      TEXT    NOT NULL,
  namespace   TEXT    NOT NULL,
  name        TEXT    NOT NULL,
  version     TEXT    NOT NULL,
  sha256      TEXT    NOT NULL,
  source      BLOB    NOT NULL,
  deployed_ms INTEGER NOT NULL,
  active      INTEGER NOT NULL,
  UNIQUE (tenant, namespace, name, version)
);

-- One row a webhook delivery: the stored answer for a repeat, the blind index of the body that tells a repeat from a conflict.
CREATE TABLE delivery (
  tenant      TEXT    NOT NULL,
  source      TEXT    NOT NULL,
  dedupe      BLOB    NOT NULL,
  body_index  BLOB    NOT NULL,
  status      INTEGER NOT NULL,
  answer      TEXT    NOT NULL,
  received_ms INTEGER NOT NULL,
  PRIMARY KEY (tenant, source, dedupe)
) WITHOUT ROWID;

-- Events, sealed. They stay until they expire, so that a listen reached later still finds them.
CREATE TABLE event (
  seq        INTEGER PRIMARY KEY,
  uid        BLOB    NOT NULL,
  tenant     TEXT    NOT NULL,
  origin     BLOB    NOT NULL, -- blind index of source and id: the same event is stored once
  data_key   BLOB    NOT NULL, -- data_key.id
  sealed     BLOB    NOT NULL,
  received_ms INTEGER NOT NULL,
  expires_ms INTEGER NOT NULL,
  UNIQUE (tenant, origin)
);
CREATE INDEX event_expires ON event (expires_ms);
CREATE TABLE event_key (
  tenant TEXT    NOT NULL,
  key    BLOB    NOT NULL, -- blind index of a correlation key
  event  INTEGER NOT NULL,
  PRIMARY KEY (tenant, key, event)
) WITHOUT ROWID;
CREATE INDEX event_key_event ON event_key (event);

CREATE TABLE instance (
  num          INTEGER PRIMARY KEY, -- partition << 53 | a number of its own
  id           TEXT    NOT NULL UNIQUE, -- ULID
  tenant       TEXT    NOT NULL,
  definition   INTEGER NOT NULL REFERENCES definition (id),
  status       INTEGER NOT NULL, -- workflow::InstanceStatus
  busy         INTEGER NOT NULL, -- 1: has an action open or has not run its first turn; recovery replays it
  parked       TEXT,             -- an ambiguous action a person has to decide: its call id and name
  business_key BLOB,
  start_event  INTEGER NOT NULL,
  binding      INTEGER NOT NULL, -- binding.id: what its roles mean, as long as it runs
  data_key     BLOB    NOT NULL, -- data_key.id
  created_ms   INTEGER NOT NULL,
  updated_ms   INTEGER NOT NULL
);
CREATE INDEX instance_busy ON instance (busy) WHERE busy = 1;
CREATE UNIQUE INDEX instance_business_key ON instance (tenant, business_key) WHERE business_key IS NOT NULL AND status < 2;
-- Those that have not ended: workflow::InstanceStatus running and waiting.
CREATE VIEW running_instance AS SELECT * FROM instance WHERE status < 2;

-- The inputs of each instance in order, one sealed row a turn. Replaying them is the instance.
-- Its key keeps two engines from both writing turn n.
CREATE TABLE journal (
  instance INTEGER NOT NULL, -- instance.num
  n        INTEGER NOT NULL, -- from 0
  sealed   BLOB    NOT NULL,
  PRIMARY KEY (instance, n)
);

CREATE TABLE timer (
  instance INTEGER NOT NULL,
  timer    INTEGER NOT NULL,
  due_ms   INTEGER NOT NULL,
  PRIMARY KEY (instance, timer)
) WITHOUT ROWID;

CREATE TABLE subscription (
  tenant   TEXT    NOT NULL,
  key      BLOB    NOT NULL,
  instance INTEGER NOT NULL,
  listen   INTEGER NOT NULL,
  PRIMARY KEY (tenant, key, instance, listen)
) WITHOUT ROWID;
CREATE INDEX subscription_instance ON subscription (instance, listen);

-- Calls of actions that are not safe to repeat, noted before they leave: found on start without an answer, their outcome is ambiguous.
CREATE TABLE dispatched (
  instance INTEGER NOT NULL,
  call     INTEGER NOT NULL,
  PRIMARY KEY (instance, call)
) WITHOUT ROWID;
