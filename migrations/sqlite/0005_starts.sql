-- Definitions that a definition's run.workflow tasks start, bound when it was deployed. version is as the file says, also `latest`.
CREATE TABLE definition_child (
  definition INTEGER NOT NULL REFERENCES definition (id),
  namespace  TEXT    NOT NULL,
  name       TEXT    NOT NULL,
  version    TEXT    NOT NULL,
  child      INTEGER NOT NULL REFERENCES definition (id),
  PRIMARY KEY (definition, namespace, name, version)
) WITHOUT ROWID;

-- Instances that no event started: those of run.workflow, and those of the clock (parent is NULL).
CREATE TABLE origin (
  instance INTEGER PRIMARY KEY, -- instance.num
  input    BLOB    NOT NULL,    -- sealed with the instance's data key
  parent   INTEGER,             -- instance.num
  call     INTEGER,             -- of the parent
  awaited  INTEGER NOT NULL,    -- 1: its end is the answer of the call
  depth    INTEGER NOT NULL     -- parents above it
);
CREATE INDEX origin_parent ON origin (parent) WHERE parent IS NOT NULL;

-- Awaited calls of run.workflow that are not answered in the parent's journal, and cancellations that have not reached the child.
CREATE TABLE child (
  parent    INTEGER NOT NULL, -- instance.num
  call      INTEGER NOT NULL,
  instance  INTEGER NOT NULL, -- instance.num; 0: it was refused
  refused   TEXT,             -- why: a code
  cancelled INTEGER NOT NULL, -- 1: nobody waits for it any more; it has to be cancelled
  PRIMARY KEY (parent, call)
) WITHOUT ROWID;
CREATE INDEX child_instance ON child (instance);

-- Workflows that the clock starts: one row for each that is active.
CREATE TABLE schedule (
  tenant     TEXT    NOT NULL,
  namespace  TEXT    NOT NULL,
  name       TEXT    NOT NULL,
  definition INTEGER NOT NULL REFERENCES definition (id),
  due_ms     INTEGER, -- the next start; NULL: after the end of `instance`
  last_ms    INTEGER, -- when the last start was due
  instance   INTEGER, -- instance.num of the last start
  PRIMARY KEY (tenant, namespace, name)
) WITHOUT ROWID;
CREATE INDEX schedule_instance ON schedule (instance);

-- Events that schedule.on.all has collected for starts that are not complete.
CREATE TABLE start_set (
  tenant     TEXT    NOT NULL,
  namespace  TEXT    NOT NULL,
  name       TEXT    NOT NULL,
  definition INTEGER NOT NULL REFERENCES definition (id), -- whose filters the sets follow
  data_key   BLOB    NOT NULL, -- data_key.id
  sealed     BLOB    NOT NULL,
  version    INTEGER NOT NULL, -- from 1; each change raises it
  PRIMARY KEY (tenant, namespace, name)
) WITHOUT ROWID;
