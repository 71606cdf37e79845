-- What a person has to do or to decide. Calls that wait for a decision are none of these rows: the engine has them.
CREATE TABLE task (
  tenant      TEXT    NOT NULL,
  id          TEXT    NOT NULL, -- ULID
  call        TEXT    NOT NULL, -- hex of the blind index of the call that opened it: a repeat opens nothing
  kind        TEXT    NOT NULL,
  title       TEXT    NOT NULL, -- a code; texts belong to those who show it
  role        TEXT    NOT NULL, -- or empty
  assignee    TEXT    NOT NULL, -- ULID of a person, or empty
  escalation  TEXT    NOT NULL, -- role that may answer once it is overdue, or empty
  object_type TEXT    NOT NULL, -- session, instance
  object      TEXT    NOT NULL, -- ULID
  instance    TEXT    NOT NULL, -- ULID of the instance that opened it
  patient     TEXT    NOT NULL, -- pseudonym, or empty
  state       TEXT    NOT NULL, -- open, claimed, done, cancelled
  opened_ms   INTEGER NOT NULL,
  due_ms      INTEGER,
  overdue     INTEGER NOT NULL, -- 1 once it was told
  claimed_by  TEXT    NOT NULL, -- or empty
  claimed_ms  INTEGER,
  decided_by  TEXT    NOT NULL, -- who has answered or cancelled it, or empty
  decided_ms  INTEGER,
  version     INTEGER NOT NULL,
  data_key    BLOB    NOT NULL,
  sealed      BLOB    NOT NULL, -- question, data and form
  answer      BLOB,             -- sealed
  PRIMARY KEY (tenant, id)
) WITHOUT ROWID;
CREATE UNIQUE INDEX task_call ON task (tenant, call);
CREATE INDEX task_living ON task (tenant, id) WHERE state IN ('open', 'claimed');
CREATE INDEX task_object ON task (tenant, object);
CREATE INDEX task_instance ON task (tenant, instance);
CREATE INDEX task_due ON task (due_ms) WHERE overdue = 0 AND due_ms IS NOT NULL AND state IN ('open', 'claimed');
