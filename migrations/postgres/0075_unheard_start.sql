-- Events that would have started an instance whose business key was taken, and that the living instance has not heard: the
-- first of them starts the next instance when that one has ended (metadata.rabt.unheard of the workflow).
CREATE TABLE unheard_start (
  tenant TEXT COLLATE "C" NOT NULL,
  business_key BYTEA NOT NULL, -- as in instance
  event BIGINT NOT NULL, -- event.seq
  instance BIGINT NOT NULL, -- instance.num: the one that lived
  PRIMARY KEY (tenant, business_key, event)
);
