-- Events that would have started an instance whose business key was taken, and that the living instance has not heard: the
-- first of them starts the next instance when that one has ended (metadata.rabt.unheard of the workflow).
CREATE TABLE unheard_start (
  tenant       TEXT    NOT NULL,
  business_key BLOB    NOT NULL, -- as in instance
  event        INTEGER NOT NULL, -- event.seq
  instance     INTEGER NOT NULL, -- instance.num: the one that lived
  PRIMARY KEY (tenant, business_key, event)
) WITHOUT ROWID;
